-- A language model's answer while it is being written: a stream of deltas, whoever writes it.
--
--    { text = "Hel" }   { tool = { index, id, name, arguments } }   { finish = "stop" }
--    { usage = { input, output } }   { error = { code, message } }   { done = true }

local _, core = ...

local model = {}

local Scripted = {}
Scripted.__index = Scripted
Scripted.__metatable = false

-- The answer of a spec.
function Scripted:take(kind, text)
   if kind == "end" then
      return { { done = true } }
   end
   return { core.json_decode(text) }
end

function Scripted:cancel()
   core.cancel(self.id)
end

--- Asks for an answer: { system, messages, tools, model, temperature, max_tokens }. Returns a
--- stream with `id` (of its operation), `take(kind, ...)` (deltas of a message of that operation)
--- and `cancel()`; or nil, a code and a text.
function model.start(ask)
   local id, code = core.scripted("llm", core.json_encode(ask))
   if id then
      return setmetatable({ id = id }, Scripted)
   end
   if code ~= "not_found" then
      return nil, code, "the model cannot be asked: " .. tostring(code)
   end
   return nil,
      "no_model",
      "no language model is configured: set OPENAI_API_KEY, or a chain in tenant.lua"
end

return model
