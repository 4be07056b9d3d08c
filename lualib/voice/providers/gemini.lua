-- Google Gemini, generateContent with server-sent events.

local _, core = ...

local gemini = {
   name = "gemini",
   hosts = { "generativelanguage.googleapis.com" },
   secrets = { "GEMINI_API_KEY" },
}

local function add(contents, role, part)
   local last = contents[#contents]
   if last and last.role == role then
      last.parts[#last.parts + 1] = part
      return
   end
   contents[#contents + 1] = { role = role, parts = core.json_array({ part }) }
end

local function contents_of(ask)
   local out = {}
   for _, m in ipairs(ask.messages) do
      if m.role == "tool" then
         add(out, "user", {
            functionResponse = {
               id = m.tool_call_id,
               name = m.name,
               response = { result = m.content },
            },
         })
      else
         local role = m.role == "assistant" and "model" or "user"
         if m.content and m.content ~= "" then
            add(out, role, { text = m.content })
         end
         for _, call in ipairs(m.tool_calls or {}) do
            local args = core.json_decode(call.arguments ~= "" and call.arguments or "{}")
            add(out, "model", {
               functionCall = { id = call.id, name = call.name, args = args or {} },
               thoughtSignature = call.signature,
            })
         end
      end
   end
   if not out[1] then
      add(out, "user", { text = "(the caller is on the line)" })
   end
   return core.json_array(out)
end

-- Gemini knows a part of JSON Schema only.
local function plain_schema(schema)
   local out = {}
   for key, value in pairs(schema) do
      if key == "properties" then
         out.properties = {}
         for name, property in pairs(value) do
            out.properties[name] = plain_schema(property)
         end
      elseif key == "items" then
         out.items = plain_schema(value)
      elseif key ~= "additionalProperties" then
         out[key] = value
      end
   end
   return out
end

local function tools_of(ask)
   if not ask.tools or #ask.tools == 0 then
      return nil
   end
   local out = {}
   for i, tool in ipairs(ask.tools) do
      out[i] = {
         name = tool.name,
         description = tool.description,
         parameters = plain_schema(tool.parameters),
      }
   end
   return core.json_array({ { functionDeclarations = core.json_array(out) } })
end

gemini.llm = { model = "gemini-2.5-flash" }

function gemini.llm.request(ask)
   local settings = ask.settings or {}
   local base = ask.base_url
      or settings.GEMINI_BASE_URL
      or "https://generativelanguage.googleapis.com/v1beta"
   local config = { maxOutputTokens = ask.max_tokens, temperature = ask.temperature }
   if ask.model:find("2%.5") then
      config.thinkingConfig = { thinkingBudget = 0 } -- a caller waits
   end
   return {
      method = "POST",
      url = ("%s/models/%s:streamGenerateContent?alt=sse"):format(base:gsub("/+$", ""), ask.model),
      headers = { ["x-goog-api-key"] = "${GEMINI_API_KEY}" },
      json = {
         contents = contents_of(ask),
         systemInstruction = ask.system and { parts = core.json_array({ { text = ask.system } }) }
            or nil,
         generationConfig = config,
         tools = tools_of(ask),
      },
      as = "events",
   }
end

local finish_reasons = { STOP = "stop", MAX_TOKENS = "length" }

local function part_delta(state, part)
   if part.functionCall then
      state.tools = (state.tools or -1) + 1
      local call = part.functionCall
      return {
         tool = {
            index = state.tools,
            id = call.id or ("call_" .. state.tools),
            name = call.name,
            arguments = core.json_encode(call.args or {}),
            signature = part.thoughtSignature,
         },
      }
   elseif type(part.text) == "string" and not part.thought and part.text ~= "" then
      return { text = part.text }
   end
end

function gemini.llm.event(state, _, data)
   local chunk, why = core.json_decode(data)
   if type(chunk) ~= "table" then
      return {
         {
            error = {
               code = "bad_answer",
               message = "the model's stream is not JSON: " .. tostring(why),
            },
         },
      }
   end
   if chunk.error then
      return {
         { error = { code = chunk.error.status or "provider", message = chunk.error.message } },
      }
   end
   local out = {}
   local candidate = chunk.candidates and chunk.candidates[1]
   if not candidate and chunk.promptFeedback and chunk.promptFeedback.blockReason then
      return { { finish = "filter" }, { done = true } }
   end
   for _, part in ipairs(candidate and candidate.content and candidate.content.parts or {}) do
      out[#out + 1] = part_delta(state, part)
   end
   local usage = chunk.usageMetadata
   if usage then
      state.usage =
         { input = usage.promptTokenCount or 0, output = usage.candidatesTokenCount or 0 }
   end
   if candidate and candidate.finishReason then
      local reason = finish_reasons[candidate.finishReason] or "filter"
      out[#out + 1] = { finish = state.tools and "tools" or reason }
      out[#out + 1] = state.usage and { usage = state.usage } or nil
      out[#out + 1] = { done = true }
   end
   return out
end

function gemini.fault(status, body)
   local answer = core.json_decode(body or "")
   local fault = type(answer) == "table" and (answer.error or answer[1] and answer[1].error) or {}
   local out = { code = fault.status or ("http_" .. tostring(status)), message = fault.message }
   for _, detail in ipairs(type(fault.details) == "table" and fault.details or {}) do
      local delay = tostring(detail.retryDelay or ""):match("^([%d%.]+)s$")
      out.retry_after = tonumber(delay) or out.retry_after
   end
   return out
end

return gemini
