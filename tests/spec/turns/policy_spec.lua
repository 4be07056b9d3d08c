-- How a turn ends, as scripts decide it: the options of call:turns and the hook `endpoint`.

local sim = require("sim")

-- A script that asks one question with these turns, and says how it understood the answer.
local function asking(turns, more)
   return ([[
      local voice = require("voice")
      return {
         %s
         on_call = function(call)
            call:turns(%s)
            local answer = call:gather({
               prompt = "What is it about?",
               grammar = { sales = { "sales" }, talk = { "i want sales", "well sales" } },
               tries = 1,
            })
            call:say(answer and "Understood." or "Sorry.")
         end,
      }
   ]]):format(more or "", turns)
end

local function gap(source, text)
   local caller = sim.call({ source = source })
   caller:hears("about")
   caller:says(text)
   caller:hears("[US]%a+", 20)
   local turns = caller:turns()
   return turns[#turns].gap_ms
end

describe("the end of a turn", function()
   it("comes sooner after an answer that was expected than after a connective", function()
      local expected = gap(asking("{}"), "sales")
      local trailing = gap(asking("{}"), "sales and the")
      assert.is_true(expected >= 480 and expected <= 600, expected)
      assert.is_true(trailing >= 980 and trailing <= 1100, trailing)
   end)

   it("knows the words of the caller's language", function()
      local english = gap(asking('{ language = "en" }'), "c'est pour")
      local french = gap(asking('{ language = "fr-FR" }'), "c'est pour")
      assert.is_true(french - english >= 400, english .. " " .. french)
   end)

   it("waits for the digits of a number that is asked for", function()
      local short = gap(asking("{ digits = 4 }"), "one two")
      local whole = gap(asking("{ digits = 4 }"), "one two three four")
      assert.is_true(short - whole >= 400, whole .. " " .. short)
   end)

   it("is what call:turns says", function()
      assert.is_true(gap(asking('{ endpoint = "200ms" }'), "sales") < 320)
      assert.is_true(gap(asking("{ endpoint = 1.2 }"), "sales") > 1150)
   end)

   it("is what the script's endpoint answers, in milliseconds or as a duration", function()
      local hook = 'endpoint = function(turn) return turn.text == "sales" and %s end,'
      local slow = asking("{}", hook:format("1100"))
      assert.is_true(gap(slow, "sales") >= 1080)
      -- false is no answer, and the call goes on with the engine's own rule
      assert.is_true(gap(slow, "well sales") < 620)
      assert.is_true(gap(asking("{}", hook:format('"150ms" or nil')), "sales") < 300)
   end)

   it("is given what was recognised, its shape and the engine's own wait", function()
      local source = [[
         local voice = require("voice")
         return {
            endpoint = function(turn)
               voice.log.info(("[%d %s %s %d]"):format(
                  turn.number, turn.text, turn.shape, turn.default_ms))
            end,
            on_call = function(call)
               call:listen({ grammar = { x = { "i want it" } } })
            end,
         }
      ]]
      local caller = sim.call({ source = source })
      caller:says("I want it")
      local log = caller:log()
      assert.truthy(log:find("[1 I unfinished 1000]", 1, true), log)
      assert.truthy(log:find("[1 I want unfinished 1000]", 1, true), log)
      assert.truthy(log:find("[1 I want it complete 500]", 1, true), log)
   end)

   it("survives an endpoint that fails, and says so in the log", function()
      local source = asking("{}", 'endpoint = function() error("broken") end,')
      local caller = sim.call({ source = source })
      caller:hears("about")
      caller:says("sales")
      caller:hears("Understood")
      assert.truthy(caller:log():find("broken", 1, true))
   end)
end)

describe("call:turns", function()
   local function complaint(turns)
      local caller = sim.call({ source = asking(turns) })
      caller:is_silent(1)
      caller:expect_outcome("failed")
      return caller:log()
   end

   local wrong = {
      { '{ endpiont = "1s" }', "unknown option 'endpiont'; the options are" },
      { '{ endpoint = "1 year" }', "call:turns: endpoint: a duration is" },
      { '{ endpoint = "30s" }', "'endpoint' is out of range" },
      { "{ barge_p = 1.5 }", "'barge_p' is out of range" },
      { '{ barge_p = "loud" }', "'barge_p' must be a number" },
      { '{ language = "tlh" }', "no word lists for the language 'tlh', only for en fr es de" },
      { "{ language = 7 }", "'language' must be a string" },
      { "{ digits = 2.5 }", "'digits' is how many digits" },
      { "nil", "a table of options is expected" },
   }
   for _, case in ipairs(wrong) do
      it("refuses " .. case[1], function()
         local log = complaint(case[1])
         assert.truthy(log:find(case[2], 1, true), log)
      end)
   end
end)
