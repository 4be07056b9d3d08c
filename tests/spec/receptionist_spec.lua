-- The default agent, as callers meet it.

local sim = require("sim")

local function call(options)
   options = options or {}
   options.script = "scripts/main.lua"
   return sim.call(options)
end

describe("the default receptionist", function()
   it("greets and puts a caller through after asking", function()
      local caller = call()
      caller:hears("this is Garage Martin")
      caller:says("billing please")
      caller:hears("put you through to billing")
      caller:says("yes please")
      caller:expect_transfer("+33184800011")
      caller:expect_outcome("transferred")
      assert.equal("billing", caller:record().vars.department)
   end)

   local phrases = {
      { "I would like to speak to the sales department", "put you through to sales" },
      { "a question about my bill", "put you through to billing" },
      { "my car is broken", "put you through to the service department" },
      { "I want to speak to a real person please", "put you through to a colleague" },
      { "when are you open", "Monday to Friday" },
      { "where are you", "twelve Station Road" },
      { "what are my options", "You can say sales" },
      { "I want to leave a message", "leave your message after the tone" },
      { "goodbye", "Thank you for calling" },
   }
   for _, phrase in ipairs(phrases) do
      it(("understands %q"):format(phrase[1]), function()
         local caller = call()
         caller:hears("help you")
         caller:says(phrase[1])
         caller:hears(phrase[2])
      end)
   end

   it("asks again when it does not understand, then takes a message", function()
      local caller = call()
      caller:hears("help you")
      caller:says("the weather is lovely in the mountains")
      caller:hears("did not understand")
      caller:says("purple elephants")
      caller:hears("did not understand")
      caller:says("colourless green ideas")
      caller:hears("take a message")
      caller:hears("after the tone")
   end)

   it("asks whether a silent caller is still there", function()
      local caller = call()
      caller:hears("help you")
      caller:hears("still there", 20)
   end)

   it("answers several questions in one call", function()
      local caller = call()
      caller:hears("help you")
      caller:says("opening hours please")
      caller:hears("eight to six")
      caller:hears("anything else")
      caller:says("your address")
      caller:hears("Station Road")
      caller:hears("anything else")
      caller:says("no thank you")
      caller:hears("Goodbye")
      caller:expect_hangup()
      caller:expect_outcome("hangup")
   end)

   it("does not put through a caller who says no", function()
      local caller = call()
      caller:hears("help you")
      caller:says("sales")
      caller:hears("Shall I")
      caller:says("no")
      caller:hears("What else")
   end)

   it("takes keys instead of words", function()
      local caller = call()
      caller:hears("help you")
      caller:presses("2")
      caller:hears("put you through to billing")
   end)

   it("takes a message, ended by a key", function()
      local caller = call()
      caller:hears("help you")
      caller:says("leave a message")
      caller:hears("after the tone")
      caller:is_silent(1)
      caller:says("please call me back about my car")
      caller:presses("#")
      caller:hears("passed your message on")
      caller:expect_hangup()
   end)

   it("offers to take a message when nobody picks up", function()
      local caller = call()
      caller:hears("help you")
      caller:says("sales")
      caller:hears("Shall I")
      caller:says("yes")
      caller:hears("One moment")
      caller:is_silent(31)
      caller:hears("nobody is free")
      caller:hears("after the tone")
   end)

   it("stops when it is interrupted, and listens", function()
      local caller = call()
      caller:interrupts_after(1.5, "opening hours please")
      caller:hears("eight to six")
      local first = caller:turns()[1]
      assert.is_true(first.interrupted)
      assert.truthy(first.agent:find("^Hello"))
      assert.falsy(first.agent:find("help you"))
   end)

   it("goes on after a cough", function()
      local caller = call()
      caller:interrupts_after(1.0, "hm")
      caller:hears("How can I help you")
      assert.is_false(caller:turns()[1].interrupted)
   end)

   it("notes missed calls and voicemails", function()
      local caller = call({ connect = false })
      caller:event("missed")
      caller:event("voicemail", { message = "https://cdn.example.com/v.mp3" })
      assert.truthy(caller:log():find("missed call from +33612345678", 1, true))
      assert.truthy(
         caller:log():find("voicemail from +33612345678 https://cdn.example.com/v.mp3", 1, true)
      )
   end)

   it("ends when the caller hangs up in mid-sentence", function()
      local caller = call()
      caller:is_silent(1)
      caller:hangs_up()
      caller:expect_outcome("caller_hangup")
   end)
end)
