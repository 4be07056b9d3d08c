-- Tools: what a model may ask for. Docs: docs/reference/agents.md.
--
--    voice.tool {
--       name = "book", description = "Books a table.",
--       params = { people = voice.integer { min = 1, max = 12 }, time = voice.string() },
--       run = function(call, args) return { number = 17 } end,
--    }

local _, core = ...

local check = require("voice.check")
local duration = require("voice.duration")
local schema = require("voice.schema")

local tool = {}

local MARK = {} -- a key that no script has: what is made here, and nothing else, carries it

local fields = {
   name = "string",
   description = "string",
   params = "table",
   run = "function",
   propose = "function",
   timeout = "number or string",
   filler = "string",
   safe = "boolean",
   background = "boolean",
}

local function check_name(name, level)
   if type(name) ~= "string" or not name:match("^[%a_][%w_%-]*$") or #name > 64 then
      error("voice.tool: the name must be letters, digits, _ and -, at most 64", level + 1)
   end
end

--- A tool. `run(call, args)` does it and returns what the model is told: a text, a table, or
--- voice.done(...), voice.handoff(...).
function tool.new(options)
   local made = check.options(options, fields, "voice.tool", 2)
   check_name(made.name, 2)
   if not made.description or not made.description:find("%S") then
      error(("voice.tool '%s': a description is missing: the model reads it"):format(made.name), 2)
   end
   if not made.run then
      error(("voice.tool '%s': 'run' is missing: what does it do?"):format(made.name), 2)
   end
   if made.safe and made.propose then
      error(
         ("voice.tool '%s': 'safe' is for tools without an effect, 'propose' for others"):format(
            made.name
         ),
         2
      )
   end
   local ok, params = pcall(schema.object, made.params or {})
   if not ok then
      error(("voice.tool '%s': %s"):format(made.name, tostring(params):gsub("^[^:]+:%d+: ", "")), 2)
   end
   made.params = params
   made.parameters = schema.describe(params)
   made.timeout = duration(made.timeout, "voice.tool timeout") or 10
   made[MARK] = "tool"
   return core.protect(made, "a tool")
end

function tool.is_tool(value)
   return type(value) == "table" and value[MARK] == "tool"
end

-- --- what a tool may return ----------------------------------------------------------------------

--- Ends the conversation with a result, once what was said has been heard. `say`: last words.
function tool.done(result, options)
   options = check.options(options, { say = "string" }, "voice.done", 2)
   return core.protect({ [MARK] = "done", result = result, say = options.say }, "voice.done")
end

--- Goes on with another agent of the script's `agents`. `say`: what the caller hears meanwhile.
function tool.handoff(agent, options)
   if type(agent) ~= "string" then
      error("voice.handoff: the name of an agent is expected", 2)
   end
   options = check.options(options, { say = "string" }, "voice.handoff", 2)
   return core.protect({ [MARK] = "handoff", agent = agent, say = options.say }, "voice.handoff")
end

--- "done", "handoff" or nil.
function tool.kind(value)
   local kind = type(value) == "table" and value[MARK]
   return kind ~= "tool" and kind or nil
end

-- --- calls ---------------------------------------------------------------------------------------

--- Arguments as the tool wants them, from the model's JSON text; or nil and a sentence that the
--- model can act on.
function tool.arguments(self, text)
   if text == nil or not text:find("%S") then
      text = "{}"
   end
   local args, why = core.json_decode(text)
   if args == nil then
      return nil, "the arguments are not JSON: " .. tostring(why)
   end
   return schema.check(self.params, args)
end

--- What a model is told of a result: a text.
function tool.answer(result)
   if result == nil or result == true then
      return '{"status":"done"}'
   elseif type(result) == "string" then
      return result
   end
   local ok, json = pcall(core.json_encode, result)
   return ok and json or core.json_encode({ error = "the result cannot be written as JSON" })
end

return tool
