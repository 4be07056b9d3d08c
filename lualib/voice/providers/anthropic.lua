-- Anthropic's Messages API.

local _, core = ...

local anthropic = {
   name = "anthropic",
   hosts = { "api.anthropic.com" },
   secrets = { "ANTHROPIC_API_KEY" },
}

-- Consecutive messages of one role are one message with several blocks; the first must be the
-- user's.
local function add(messages, role, block)
   local last = messages[#messages]
   if last and last.role == role then
      last.content[#last.content + 1] = block
      return
   end
   messages[#messages + 1] = { role = role, content = core.json_array({ block }) }
end

local function messages_of(ask)
   local out = {}
   for _, m in ipairs(ask.messages) do
      if m.role == "tool" then
         add(
            out,
            "user",
            { type = "tool_result", tool_use_id = m.tool_call_id, content = m.content }
         )
      else
         if m.content and m.content ~= "" then
            add(
               out,
               m.role == "assistant" and "assistant" or "user",
               { type = "text", text = m.content }
            )
         end
         for _, call in ipairs(m.tool_calls or {}) do
            local input = core.json_decode(call.arguments ~= "" and call.arguments or "{}")
            add(
               out,
               "assistant",
               { type = "tool_use", id = call.id, name = call.name, input = input or {} }
            )
         end
      end
   end
   if not out[1] or out[1].role ~= "user" then
      table.insert(out, 1, {
         role = "user",
         content = core.json_array({ { type = "text", text = "(the caller is on the line)" } }),
      })
   end
   return core.json_array(out)
end

local function tools_of(ask)
   if not ask.tools or #ask.tools == 0 then
      return nil
   end
   local out = {}
   for i, tool in ipairs(ask.tools) do
      out[i] = { name = tool.name, description = tool.description, input_schema = tool.parameters }
   end
   return core.json_array(out)
end

anthropic.llm = { model = "claude-haiku-4-5" }

function anthropic.llm.request(ask)
   local settings = ask.settings or {}
   local base = ask.base_url or settings.ANTHROPIC_BASE_URL or "https://api.anthropic.com"
   return {
      method = "POST",
      url = base:gsub("/+$", "") .. "/v1/messages",
      headers = { ["x-api-key"] = "${ANTHROPIC_API_KEY}", ["anthropic-version"] = "2023-06-01" },
      json = {
         model = ask.model,
         max_tokens = ask.max_tokens or 300,
         temperature = ask.temperature,
         system = ask.system,
         messages = messages_of(ask),
         tools = tools_of(ask),
         stream = true,
      },
      as = "events",
   }
end

local finish_reasons = {
   end_turn = "stop",
   stop_sequence = "stop",
   max_tokens = "length",
   model_context_window_exceeded = "length",
   tool_use = "tools",
   refusal = "filter",
}

local handlers = {}

function handlers.message_start(state, event)
   local usage = event.message and event.message.usage
   state.input = usage and usage.input_tokens or 0
end

function handlers.content_block_start(state, event)
   local block = event.content_block or {}
   if block.type == "tool_use" then
      state.tools = (state.tools or -1) + 1
      state.blocks = state.blocks or {}
      state.blocks[event.index] = state.tools
      local tool = { index = state.tools, id = block.id, name = block.name, arguments = "" }
      return { { tool = tool } }
   end
end

function handlers.content_block_delta(state, event)
   local delta = event.delta or {}
   if delta.type == "text_delta" then
      return { { text = delta.text } }
   elseif delta.type == "input_json_delta" then
      local index = state.blocks and state.blocks[event.index] or 0
      return { { tool = { index = index, arguments = delta.partial_json } } }
   end
end

function handlers.message_delta(state, event)
   local out = {}
   local reason = event.delta and event.delta.stop_reason
   if reason then
      out[1] = { finish = finish_reasons[reason] or "stop" }
   end
   if event.usage then
      out[#out + 1] =
         { usage = { input = state.input or 0, output = event.usage.output_tokens or 0 } }
   end
   return out
end

function handlers.message_stop()
   return { { done = true } }
end

function handlers.error(_, event)
   local fault = event.error or {}
   return { { error = { code = fault.type or "provider", message = fault.message } } }
end

function anthropic.llm.event(state, _, data)
   local event, why = core.json_decode(data)
   if type(event) ~= "table" then
      return {
         {
            error = {
               code = "bad_answer",
               message = "the model's stream is not JSON: " .. tostring(why),
            },
         },
      }
   end
   local handler = handlers[event.type]
   return handler and handler(state, event) or {}
end

function anthropic.fault(status, body)
   local answer = core.json_decode(body or "")
   local fault = type(answer) == "table" and answer.error or {}
   return {
      code = fault.type or ("http_" .. tostring(status)),
      message = fault.message,
      final = fault.type == "billing_error" or nil,
   }
end

return anthropic
