-- OpenAI, and every server that speaks its dialect (Groq, Ollama, vLLM, whisper.cpp, speaches,
-- Kokoro) by another base URL.

local _, core = ...

local openai = {
   name = "openai",
   hosts = { "api.openai.com" },
   secrets = { "OPENAI_API_KEY" },
}

local BASE = "https://api.openai.com/v1"

-- OPENAI_LLM_BASE_URL and its like stand over OPENAI_BASE_URL; both include the version segment.
local function base_url(ask, role)
   local settings = ask.settings or {}
   local url = ask.base_url
      or settings["OPENAI_" .. role .. "_BASE_URL"]
      or settings.OPENAI_BASE_URL
   return ((url or BASE):gsub("/+$", ""))
end

local function headers(ask)
   return { authorization = "Bearer ${" .. (ask.secret or "OPENAI_API_KEY") .. "}" }
end

-- Models that think before they answer refuse `max_tokens` and `temperature`.
local function is_reasoning(model)
   return model:find("^o%d") ~= nil or model:find("^gpt%-5") ~= nil
end

-- Models that know only the older name of the limit.
local function wants_max_tokens(model)
   return model:find("^gpt%-3%.5") ~= nil or not model:find("^gpt%-") and not model:find("^o%d")
end

local function message(m)
   if m.role == "tool" then
      return { role = "tool", tool_call_id = m.tool_call_id, content = m.content }
   end
   local out = { role = m.role, content = m.content }
   if m.tool_calls and #m.tool_calls > 0 then
      local calls = {}
      for i, call in ipairs(m.tool_calls) do
         calls[i] = {
            id = call.id,
            type = "function",
            ["function"] = { name = call.name, arguments = call.arguments },
         }
      end
      out.tool_calls = core.json_array(calls)
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
         type = "function",
         ["function"] = {
            name = tool.name,
            description = tool.description,
            parameters = tool.parameters,
         },
      }
   end
   return core.json_array(out)
end

openai.llm = { model = "gpt-4o-mini" }

function openai.llm.request(ask)
   local model = ask.model
   local messages = {}
   if ask.system and ask.system ~= "" then
      messages[1] = { role = "system", content = ask.system }
   end
   for _, m in ipairs(ask.messages) do
      messages[#messages + 1] = message(m)
   end
   local body = {
      model = model,
      messages = core.json_array(messages),
      tools = tools_of(ask),
      stream = true,
      stream_options = { include_usage = true },
   }
   if wants_max_tokens(model) then
      body.max_tokens = ask.max_tokens
   else
      body.max_completion_tokens = ask.max_tokens
   end
   if not is_reasoning(model) then
      body.temperature = ask.temperature
   end
   return {
      method = "POST",
      url = base_url(ask, "LLM") .. "/chat/completions",
      headers = headers(ask),
      json = body,
      as = "events",
   }
end

local finish_reasons = {
   stop = "stop",
   eos = "stop",
   length = "length",
   tool_calls = "tools",
   function_call = "tools",
   content_filter = "filter",
}

local function tool_delta(index, call)
   local fn = call["function"] or {}
   local arguments = fn.arguments
   -- Some servers send the arguments as an object instead of its text.
   if type(arguments) == "table" then
      arguments = core.json_encode(arguments)
   end
   return {
      tool = {
         index = call.index or index - 1,
         id = call.id,
         name = fn.name,
         arguments = arguments,
      },
   }
end

--- What one event of the stream says, as a list of deltas.
function openai.llm.event(_, _, data)
   if data == "[DONE]" then
      return { { done = true } }
   end
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
      local fault = chunk.error
      return {
         { error = { code = fault.code or fault.type or "provider", message = fault.message } },
      }
   end
   local out = {}
   local choice = chunk.choices and chunk.choices[1]
   local delta = choice and choice.delta or {}
   if type(delta.content) == "string" and delta.content ~= "" then
      out[#out + 1] = { text = delta.content }
   end
   for i, call in ipairs(delta.tool_calls or {}) do
      out[#out + 1] = tool_delta(i, call)
   end
   if choice and choice.finish_reason then
      out[#out + 1] = { finish = finish_reasons[choice.finish_reason] or "stop" }
   end
   local usage = chunk.usage or chunk.x_groq and chunk.x_groq.usage
   if usage then
      out[#out + 1] =
         { usage = { input = usage.prompt_tokens or 0, output = usage.completion_tokens or 0 } }
   end
   return out
end

-- Errors that another try cannot mend, although their status says "too many requests".
local hopeless =
   { insufficient_quota = true, credit_balance_exhausted = true, billing_hard_limit_reached = true }

--- Code and text of an answer that is no success, and whether another try may help.
function openai.fault(status, body)
   local answer = core.json_decode(body or "")
   local fault = type(answer) == "table" and answer.error
   if type(fault) == "string" then
      fault = { message = fault }
   end
   fault = type(fault) == "table" and fault or {}
   local code = fault.code or fault.type or ("http_" .. tostring(status))
   return { code = tostring(code), message = fault.message, final = hopeless[code] or nil }
end

openai.stt = { model = "whisper-1", kind = "http" }

--- The utterance is made into a file part in C: `audio` is a handle, its samples never come here.
function openai.stt.request(ask)
   local parts = {
      { name = "model", value = ask.model },
      { name = "response_format", value = ask.model == "whisper-1" and "verbose_json" or "json" },
      { name = "file", filename = "a.wav", type = "audio/wav", audio = ask.audio, rate = 16000 },
   }
   if ask.language then
      parts[#parts + 1] = { name = "language", value = ask.language:sub(1, 2) }
   end
   if ask.hint and ask.hint ~= "" then
      parts[#parts + 1] = { name = "prompt", value = ask.hint }
   end
   return {
      method = "POST",
      url = base_url(ask, "STT") .. "/audio/transcriptions",
      headers = headers(ask),
      parts = parts,
   }
end

-- Whisper writes sentences over silence; it says itself that it doubts them.
local function is_invented(answer)
   local segments = answer.segments
   if type(segments) ~= "table" or #segments == 0 then
      return false
   end
   for _, segment in ipairs(segments) do
      local doubtful = (segment.no_speech_prob or 0) > 0.6 and (segment.avg_logprob or 0) < -1.0
      if not doubtful then
         return false
      end
   end
   return true
end

--- { text, seconds } of an answer, or nil and what is wrong with it.
function openai.stt.answer(body)
   local answer, why = core.json_decode(body)
   if type(answer) ~= "table" or type(answer.text) ~= "string" then
      return nil, "no transcript in the answer: " .. tostring(why or body:sub(1, 80))
   end
   local text = answer.text:gsub("^%s+", ""):gsub("%s+$", "")
   if is_invented(answer) then
      text = ""
   end
   return { text = text, seconds = answer.duration or answer.usage and answer.usage.seconds }
end

openai.tts = { model = "gpt-4o-mini-tts", voice = "alloy", kind = "http" }

--- Raw 24 kHz samples, as they are made.
function openai.tts.request(ask)
   return {
      method = "POST",
      url = base_url(ask, "TTS") .. "/audio/speech",
      headers = headers(ask),
      json = {
         model = ask.model,
         voice = ask.voice,
         input = ask.text,
         instructions = ask.instructions,
         speed = ask.speed,
         response_format = "pcm",
      },
      audio = { format = "pcm", rate = 24000 },
   }
end

return openai
