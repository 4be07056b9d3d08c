-- Conversations with a model that the spec plays.

local sim = require("sim")

local HEAD = [[
local voice = require("voice")
]]

local SIMPLE = HEAD
   .. [[
return { on_call = function(call)
   local result, why = call:converse(voice.agent {
      prompt = "You are the receptionist.", greeting = "Hello, this is the garage.",
      max_turns = 3, fillers = false,
   })
   call.vars.result, call.vars.why = result, why
end }
]]

local function last_request(caller)
   return caller.requests[#caller.requests]
end

describe("a conversation", function()
   it("greets, answers, and remembers what was said", function()
      local caller = sim.call({ source = SIMPLE, llm = { "We open at nine.", "Until six." } })
      caller:hears("this is the garage")
      caller:says("when do you open")
      caller:hears("We open at nine")
      caller:says("and until when")
      caller:hears("Until six")
      local messages = last_request(caller).messages
      assert.equal("You are the receptionist.", last_request(caller).system)
      assert.same({
         { role = "assistant", content = "Hello, this is the garage." },
         { role = "user", content = "when do you open" },
         { role = "assistant", content = "We open at nine." },
         { role = "user", content = "and until when" },
      }, messages)
   end)

   it("ends after max_turns", function()
      local caller = sim.call({ source = SIMPLE, llm = { "Yes." } })
      caller:hears("garage")
      for i = 1, 3 do
         caller:says("question number " .. i)
         caller:hears("Yes")
      end
      caller:expect_hangup()
      assert.equal("max_turns", caller:record().vars.why)
   end)

   it("keeps the words that were heard of an interrupted answer", function()
      local long = "The first thing you should know is that we open at nine in the morning, "
         .. "that we close at six in the evening, and that we never work on Sundays at all."
      local caller = sim.call({ source = SIMPLE, llm = { long, "All right." } })
      caller:hears("garage")
      caller:says("tell me everything")
      caller:interrupts_after(2, "no wait stop that please")
      caller:hears("All right")
      local said = last_request(caller).messages[3]
      assert.equal("assistant", said.role)
      assert.equal(said.content, long:sub(1, #said.content))
      assert.is_true(#said.content > 10 and #said.content < 100, said.content)
      assert.equal("no wait stop that please", last_request(caller).messages[4].content)
   end)

   it("begins on trial, and drops what was begun when the caller goes on", function()
      local asked = {}
      local caller = sim.call({
         source = SIMPLE,
         llm = function(request)
            local text = request.messages[#request.messages].content
            asked[#asked + 1] = text
            return "You said: " .. text .. "."
         end,
      })
      caller:hears("garage")
      caller:says("my car is broken")
      caller:hears("You said: my car is broken")
      assert.same({ "my car is broken" }, asked)
      caller:expect_gap_below(800)
      caller:says("it is red")
      caller:says("and very old")
      caller:hears("You said: it is red and very old")
      assert.same({ "my car is broken", "it is red", "it is red and very old" }, asked)
      assert.is_nil(caller:conversation():find("red.", 1, true))
   end)

   it("asks again when nothing was understood, and asks a silent caller", function()
      local caller = sim.call({ source = SIMPLE, llm = { "Yes." } })
      caller:hears("garage")
      caller:hears("still there", 15)
      caller:hears("still here", 15)
      caller:expect_hangup()
      assert.equal("idle", caller:record().vars.why)
   end)

   it("says so when the model fails, and gives up the second time", function()
      local caller = sim.call({ source = SIMPLE, llm = { { error = "overloaded" } } })
      caller:hears("garage")
      caller:says("hello there")
      caller:hears("trouble answering")
      caller:says("hello again")
      caller:expect_hangup()
      assert.equal("failed", caller:record().vars.why)
   end)

   it("never leaves the caller in silence: a stalled model", function()
      local source = SIMPLE:gsub("fillers = false", "fillers = { 'Um, a moment.' }")
      local caller = sim.call({ source = source, llm = { { stall = true }, "Here I am." } })
      caller:hears("garage")
      caller:says("hello there")
      caller:hears("a moment", 2)
      caller:hears("trouble answering", 6)
      caller:says("hello again")
      caller:hears("Here I am")
   end)
end)

local TOOLS = HEAD
   .. [[
local booked = {}
local agent = voice.agent {
   prompt = "Book tables.", greeting = "Hello!", fillers = false,
   tools = {
      voice.tool { name = "find", description = "Free hours.", safe = true,
         params = { day = voice.string() },
         run = function(call, args) return { hours = { 10, 11 }, day = args.day } end },
      voice.tool { name = "book", description = "Books.",
         params = { day = voice.string(), people = voice.integer { min = 1, max = 8 } },
         run = function(call, args)
            call.vars.booked = (call.vars.booked or 0) + 1
            return voice.done({ day = args.day }, { say = "It is booked." })
         end },
      voice.tool { name = "cancel", description = "Cancels.",
         propose = function(call, args) return "Cancel the booking." end,
         run = function(call) call.vars.cancelled = true return "cancelled" end },
      voice.tool { name = "slow", description = "Slow.", timeout = "1s",
         run = function(call) call:sleep("30s") end },
      voice.tool { name = "broken", description = "Broken.",
         run = function() error("out of order") end },
      voice.tool { name = "sneaky", description = "Pretends to be safe.", safe = true,
         run = function(call) call:dtmf("5") end },
      voice.tool { name = "expert", description = "Hands over.",
         run = function() return voice.handoff("expert") end },
   },
}
return {
   agents = { main = agent,
      expert = voice.agent { prompt = "You are the expert.", greeting = "Expert here." } },
   on_call = function(call)
      local result, why = call:converse("main")
      call.vars.result, call.vars.why = result, why
   end,
}
]]

local function tools_call(llm)
   local caller = sim.call({ source = TOOLS, llm = llm })
   caller:hears("Hello")
   return caller
end

-- The answer that the model was told of the call `id` of its latest request.
local function told(caller)
   local messages = last_request(caller).messages
   for i = #messages, 1, -1 do
      if messages[i].role == "tool" then
         return messages[i].content
      end
   end
end

describe("tools", function()
   it("run with checked arguments; voice.done ends the conversation with its result", function()
      local caller = tools_call({ { tools = { { "book", { day = "Monday", people = "4" } } } } })
      caller:says("a table for four on Monday")
      caller:hears("It is booked")
      caller:expect_hangup()
      caller:expect_tool("book", { day = "Monday" })
      local vars = caller:record().vars
      assert.equal(1, vars.booked)
      assert.equal("Monday", vars.result.day)
   end)

   it("tell the model what is wrong with its arguments, and of tools that do not exist", function()
      local caller = tools_call({
         { tools = { { "book", { day = "Monday", people = 12 } } } },
         { tools = { { "fly", {} } } },
         "Sorry, that is not possible.",
      })
      caller:says("a table for twelve on Monday")
      caller:hears("not possible")
      assert.matches("no tool with this name", told(caller))
      local first = caller.requests[2].messages
      assert.matches("'people' must be between 1 and 8", first[#first].content)
      caller:hangs_up()
      assert.is_nil(caller:record().vars.booked)
   end)

   it("without an effect may run on trial; their results go to the model", function()
      local caller = tools_call({
         { tools = { { "find", { day = "Monday" } } } },
         "There is ten and eleven.",
      })
      caller:says("what is free on Monday")
      caller:hears("ten and eleven")
      assert.matches('"hours":%[10,11%]', told(caller))
   end)

   it("cannot have an effect on trial, whatever they say of themselves", function()
      local caller = tools_call({ { tools = { { "sneaky", {} } } }, "That did not work." })
      caller:says("press five")
      caller:hears("did not work")
      assert.is_nil(caller:digits_sent())
      assert.matches("begun on trial and is not committed", caller:log())
   end)

   it("with a proposal run only when the caller has heard of it", function()
      local caller = tools_call({
         { tools = { { "cancel", {} } } },
         "Shall I cancel your booking?",
         { tools = { { "cancel", {} } } },
         "It is cancelled.",
      })
      caller:says("please cancel my booking")
      caller:hears("Shall I cancel")
      assert.matches("Cancel the booking%.", told(caller))
      caller:says("yes please")
      caller:hears("is cancelled")
      caller:hangs_up()
      assert.is_true(caller:record().vars.cancelled)
   end)

   it("are told to the model as failed when they raise, or take too long", function()
      local caller = tools_call({
         { tools = { { "slow", {} }, { "broken", {} } } },
         "That did not work.",
      })
      caller:says("do it")
      caller:hears("did not work")
      assert.matches("failed", told(caller))
      local messages = last_request(caller).messages
      assert.matches("took too long", messages[#messages - 1].content)
      assert.matches("out of order", caller:log())
   end)

   it("hand over to another agent, who knows what was said", function()
      local caller = tools_call({ { tools = { { "expert", {} } } }, "I know it all." })
      caller:says("I want the expert")
      caller:hears("Expert here")
      caller:says("what do you know")
      caller:hears("I know it all")
      assert.equal("You are the expert.", last_request(caller).system)
      assert.equal("I want the expert", last_request(caller).messages[2].content)
   end)
end)
