local speakable = require("voice.speakable")

describe("speakable", function()
   local cases = {
      { "**Very** _good_ `code`", "Very _good_ code" },
      { "# Title\n- one\n- two\n1. three", "Title\none\ntwo\nthree" },
      { "See [our site](https://example.com/a).", "See our site." },
      { "Go to https://www.example.com/help?x=1 now", "Go to example dot com slash help now" },
      { "Mail info@garage-martin.fr please", "Mail info at garage martin dot fr please" },
      { "It is 12% off", "It is 12 percent off" },
      { "€12.50 or $5", "12.50 euros or 5 dollars" },
      { "12 €", "12 euros" },
      { "On 2026-09-22 we open", "On September 22, 2026 we open" },
      { "Call +33 1 84 80 00 10", "Call plus 3 3 1 8 4 8 0 0 0 1 0" },
      { "salt & pepper", "salt and pepper" },
      { "plain text stays", "plain text stays" },
   }
   for _, case in ipairs(cases) do
      it(("makes %q speakable"):format(case[1]), function()
         assert.equal((case[2]:gsub("_good_", "good")), speakable.make(case[1], "en"))
      end)
   end

   it("speaks other languages", function()
      assert.equal(
         "le 22 septembre 2026, 5 pour cent",
         speakable.make("le 2026-09-22, 5%", "fr-FR")
      )
      assert.equal("am 3. März 2026", speakable.make("am 2026-03-03", "de"))
      assert.equal("el 3 de marzo de 2026", speakable.make("el 2026-03-03", "es"))
   end)

   it("runs the script's own filters last", function()
      local shout = function(text)
         return text:upper()
      end
      assert.equal("HELLO", speakable.make("**hello**", "en", { shout }))
   end)

   it("survives anything", function()
      local texts = { "", "***", "[](", "+", "€", "%", "https://", "@", ("*"):rep(5000) }
      for _, text in ipairs(texts) do
         assert.equal("string", type(speakable.make(text, "en")))
      end
   end)
end)
