-- Never dead air, never a stuck line: the engine steps in where a script neither speaks nor waits.

local sim = require("sim")

-- A model that never answers, and an agent that would wait for it for a minute.
local function stalled(before)
   return sim.call({
      source = ([[
         local voice = require("voice")
         return { on_call = function(call)
            %s
            call:converse(voice.agent {
               prompt = "p", greeting = "Hello there.", fillers = false, budget = "60s",
            })
         end }
      ]]):format(before),
      llm = { { stall = true } },
   })
end

describe("a caller whom nobody answers", function()
   it("is asked for patience, then hears an apology, and the log names the cause", function()
      local caller = stalled("")
      caller:hears("Hello there")
      caller:says("what time is it")
      caller:hears("One moment", 7)
      caller:hears("something went wrong", 8)
      caller:expect_hangup()
      caller:expect_outcome("failed")
      local log = caller:log()
      assert.truthy(log:find("dead_air", 1, true), log)
      assert.truthy(log:find("waits_for=[^\n]*scripted"), log)
   end)

   it("goes to the fallback number when there is one", function()
      local caller = stalled('call:fallback("+33 1 84 80 00 10")')
      caller:hears("Hello there")
      caller:says("what time is it")
      caller:hears("something went wrong", 15)
      caller:expect_transfer("+33184800010")
      caller:hangs_up()
      caller:expect_outcome("transferred")
   end)

   it("is left alone where the script says so", function()
      local caller = stalled("call:turns({ watchdog = 0 })")
      caller:hears("Hello there")
      caller:says("what time is it")
      caller:is_silent(30)
      assert.is_nil(caller:log():find("dead_air", 1, true))
   end)
end)

describe("silence that is wanted", function()
   local bodies = {
      sleeping = 'call:sleep("30s")',
      ["waiting for the caller"] = 'call:listen({ grammar = { a = { "a" } }, timeout = "30s" })',
      ["waiting for keys"] = 'call:gather({ digits = 4, timeout = "30s", tries = 1 })',
      ["taking a message"] = 'call:record({ max = "30s", silence = "20s" })',
   }
   for what, body in pairs(bodies) do
      it("is no dead air: " .. what, function()
         local source = ("return { on_call = function(call) %s end }"):format(body)
         local caller = sim.call({ source = source })
         caller:is_silent(25)
         assert.is_nil(caller:log():find("dead_air", 1, true))
         assert.is_nil(caller:record().outcome)
      end)
   end

   it("does not hide a failing script: the fallback number takes that call as well", function()
      local source = [[return { on_call = function(call)
         call:fallback("+33184800010")
         error("broken")
      end }]]
      local caller = sim.call({ source = source })
      caller:hears("something went wrong", 10)
      caller:expect_transfer("+33184800010")
   end)

   it("has numbers for fallbacks only", function()
      local source = [[return { on_call = function(call) call:fallback("reception") end }]]
      local caller = sim.call({ source = source })
      caller:is_silent(1)
      assert.truthy(caller:log():find("'reception' is no telephone number", 1, true))
   end)
end)
