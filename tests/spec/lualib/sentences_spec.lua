local sentences = require("voice.sentences")

local function split(text, options)
   return sentences.split(text, options or { first_clause = false })
end

describe("sentences", function()
   it("end at full stops, questions and exclamations", function()
      assert.same(
         { "Hello!", "How are you?", "I am fine." },
         split("Hello! How are you? I am fine.")
      )
   end)

   it("do not end inside numbers, names and initials", function()
      assert.same(
         { "It costs 3.50 euros at example.com.", "Bye." },
         split("It costs 3.50 euros at example.com. Bye.")
      )
      assert.same({ "Ask J. R. Smith.", "Now." }, split("Ask J. R. Smith. Now."))
      assert.same(
         { "We open at 9 a.m. on Monday.", "Yes." },
         split("We open at 9 a.m. on Monday. Yes.")
      )
   end)

   it("know the abbreviations of several languages", function()
      assert.same(
         { "Dr. Brown is in.", "Mrs. Jones is not." },
         split("Dr. Brown is in. Mrs. Jones is not.")
      )
      assert.same(
         { "M. Martin est là.", "Merci." },
         split("M. Martin est là. Merci.", { language = "fr", first_clause = false })
      )
      assert.same(
         { "Das ist z.B. gut.", "Ja." },
         split("Das ist z.B. gut. Ja.", { language = "de-DE", first_clause = false })
      )
   end)

   it("keep closing quotes", function()
      assert.same({ '"Really?"', "she said." }, split('"Really?" she said.'))
      assert.same({ "(It is.)", "Good." }, split("(It is.) Good."))
   end)

   it("end at line ends", function()
      assert.same({ "First", "Second", "Third" }, split("First\nSecond\n\nThird"))
   end)

   it("know the ellipsis", function()
      assert.same({ "Well…", "Let me see..." }, split("Well… Let me see..."))
   end)

   it("come out as soon as they are sure", function()
      local cutter = sentences.new({ first_clause = false })
      assert.same({}, cutter:push("It is 3."))
      assert.same({}, cutter:push("5 degrees."))
      assert.same({ "It is 3.5 degrees." }, cutter:push(" And"))
      assert.same(
         { "And rain." },
         (function()
            local out = cutter:push(" rain.")
            for _, s in ipairs(cutter:finish()) do
               out[#out + 1] = s
            end
            return out
         end)()
      )
   end)

   it("are the same however the text is cut", function()
      local text = 'Dr. Who said: "No!" Then 3.5 hours passed... At last, J. R. came. Well?\nYes.'
      local whole = split(text)
      for size = 1, 7 do
         local cutter = sentences.new({ first_clause = false })
         local out = {}
         for at = 1, #text, size do
            for _, s in ipairs(cutter:push(text:sub(at, at + size - 1))) do
               out[#out + 1] = s
            end
         end
         for _, s in ipairs(cutter:finish()) do
            out[#out + 1] = s
         end
         assert.same(whole, out)
      end
   end)

   it("let the first piece end at a comma", function()
      local cutter = sentences.new()
      local out = cutter:push("Thank you very much for calling our little garage, and now let me")
      assert.same({ "Thank you very much for calling our little garage," }, out)
      assert.same(
         { "and now let me see." },
         (function()
            cutter:push(" see")
            cutter:push(".")
            return cutter:finish()
         end)()
      )
   end)

   it("are never endless", function()
      local out = split(("word "):rep(400))
      assert.is_true(#out > 5)
      for _, s in ipairs(out) do
         assert.is_true(#s <= 300)
      end
      assert.equal(("word "):rep(400):gsub("%s+$", ""), table.concat(out, " "))
   end)
end)
