-- Running the tools that a committed answer asks for: side by side, each in a task of its own that
-- works for that turn and take, each with its time-out. What comes back goes into the call's
-- `answer`, which the model reads.

local _, core = ...

local log = require("voice.log")
local tools = require("voice.tool")

local toolbox = {}

local function finish(conversation, running, call, text)
   if call.answer then
      return
   end
   call.answer = text
   running.left = running.left - 1
   core.tool(call.name, call.arguments, text)
   if not running.starting then
      conversation:go_on()
   end
end

local function refuse(message)
   return core.json_encode({ error = message })
end

-- A result that ends or hands over the conversation, or goes to the model.
local function take_result(conversation, result)
   local kind = tools.kind(result)
   if kind == "done" then
      local value = result.result
      if value == nil then
         value = true
      end
      conversation.ending = { result = value, say = result.say }
      return '{"status":"done"}'
   elseif kind == "handoff" then
      conversation.ending = { agent = result.agent, say = result.say }
      return '{"status":"handed over"}'
   end
   return tools.answer(result)
end

-- What is the same call again: the tool and its arguments, keys sorted.
local function key_of(call, args)
   return call.name .. core.json_encode(args)
end

-- The first time, a tool with `propose` only says what it would do; it runs when the model asks for
-- the same again in a later turn, after the caller has heard of it.
local function is_proposal(conversation, answer, call, args)
   local key = key_of(call, args)
   local proposed = conversation.proposed and conversation.proposed[key]
   if proposed and proposed ~= answer then
      conversation.proposed[key] = nil
      return false
   end
   conversation.proposed = conversation.proposed or {}
   conversation.proposed[key] = answer
   return true
end

local function body(conversation, tool, proposal, args, box)
   return function()
      if proposal then
         local summary = tool.propose(conversation.call, args)
         box.text = core.json_encode({
            status = "proposed",
            summary = type(summary) == "string" and summary or nil,
            next = "Nothing was done yet. Ask the caller whether this is right; after a yes, call "
               .. "the tool again with the same arguments.",
         })
      else
         box.result = tool.run(conversation.call, args)
         box.ran = true
      end
   end
end

local function spawn(answer, fn)
   if answer.turn then
      return core.spawn_for(answer.turn, answer.take, fn)
   end
   return core.spawn(fn)
end

local function run(conversation, answer, running, call)
   local tool = conversation.agent.by_name[call.name]
   if not tool then
      return finish(conversation, running, call, refuse("there is no tool with this name"))
   end
   local args, why = tools.arguments(tool, call.arguments)
   if not args then
      return finish(conversation, running, call, refuse(why))
   end
   local box = {}
   local proposal = tool.propose and is_proposal(conversation, answer, call, args)
   local id, code = spawn(answer, body(conversation, tool, proposal, args, box))
   if not id then
      local text = refuse("the tool could not be started: " .. tostring(code))
      return finish(conversation, running, call, text)
   end
   conversation.ops:add(id)
   if tool.filler and not proposal and conversation.saying == 0 then
      conversation.fillers = conversation.fillers + 1
      conversation:speak(tool.filler)
   end
   local deadline = "tool " .. id
   conversation:at(deadline, tool.timeout)
   conversation.timeouts[deadline] = function()
      conversation.handlers[id] = nil
      core.cancel(id)
      log.error(("tool %s: no result within %g s"):format(call.name, tool.timeout))
      finish(conversation, running, call, refuse("the tool took too long; nothing is known of it"))
   end
   conversation.handlers[id] = function(kind, message)
      conversation.handlers[id] = nil
      conversation:at(deadline, nil)
      if kind == "error" then
         log.error(("tool %s: %s"):format(call.name, tostring(message)))
         return finish(conversation, running, call, refuse("the tool failed"))
      end
      local text = box.ran and take_result(conversation, box.result) or box.text
      finish(conversation, running, call, text)
   end
end

--- Starts the calls of an answer. `answer.running.left` are those that are not done yet.
function toolbox.start(conversation, answer, calls)
   local running = { left = #calls, starting = true }
   answer.running = running
   for _, call in ipairs(calls) do
      run(conversation, answer, running, call)
   end
   running.starting = false
end

--- May all of these calls run on trial?
function toolbox.are_safe(agent, calls)
   for _, call in ipairs(calls) do
      local tool = agent.by_name[call.name]
      if not tool or not tool.safe then
         return false
      end
   end
   return true
end

return toolbox
