-- ElevenLabs: a voice over HTTP or WebSocket, and realtime transcription.

local _, core = ...

local elevenlabs = {
   name = "elevenlabs",
   hosts = { "api.elevenlabs.io" },
   secrets = { "ELEVENLABS_API_KEY" },
}

local DEFAULT_VOICE = "21m00Tcm4TlvDq8ikWAM"

local function base_url(ask, scheme)
   local settings = ask.settings or {}
   local url = (ask.base_url or settings.ELEVENLABS_BASE_URL or "https://api.elevenlabs.io"):gsub(
      "/+$",
      ""
   )
   return scheme == "ws" and url:gsub("^http", "ws") or url
end

local function headers()
   return { ["xi-api-key"] = "${ELEVENLABS_API_KEY}" }
end

elevenlabs.tts = { model = "eleven_flash_v2_5", voice = DEFAULT_VOICE, kind = "http" }

-- Words are spoken as they are written: the text has been made speakable already.
local function voice_settings(ask)
   return ask.voice_settings or { stability = 0.5, similarity_boost = 0.75, speed = ask.speed }
end

function elevenlabs.tts.request(ask)
   local settings = ask.settings or {}
   local latency = ask.latency or settings.ELEVENLABS_OPTIMIZE_LATENCY
   local url = ("%s/v1/text-to-speech/%s/stream?output_format=pcm_16000"):format(
      base_url(ask),
      ask.voice
   )
   if latency then
      url = url .. "&optimize_streaming_latency=" .. tostring(latency)
   end
   return {
      method = "POST",
      url = url,
      headers = headers(),
      json = {
         text = ask.text,
         model_id = ask.model,
         language_code = ask.model:find("v2_5") and ask.language and ask.language:sub(1, 2) or nil,
         voice_settings = voice_settings(ask),
         previous_text = ask.previous_text,
      },
      audio = { format = "pcm", rate = 16000 },
   }
end

--- The same voice over one WebSocket per answer: sentences go in as the model writes them.
elevenlabs.tts_socket = { model = "eleven_flash_v2_5", voice = DEFAULT_VOICE, kind = "socket" }

function elevenlabs.tts_socket.open(ask)
   return {
      url = ("%s/v1/text-to-speech/%s/stream-input?model_id=%s%s"):format(
         base_url(ask, "ws"),
         ask.voice,
         ask.model,
         "&output_format=pcm_16000&auto_mode=true"
      ),
      headers = headers(),
      first = { { json = { text = " ", voice_settings = voice_settings(ask) } } },
      audio_out = { at = "audio", as = "base64", format = "pcm", rate = 16000 },
   }
end

function elevenlabs.tts_socket.speak(text)
   return { { json = { text = text .. " " } } }
end

function elevenlabs.tts_socket.finish()
   return { { json = { text = "" } } }
end

function elevenlabs.tts_socket.message(_, text)
   local event = core.json_decode(text)
   if type(event) ~= "table" then
      return { { error = { code = "bad_answer", message = "not JSON" } } }
   end
   if event.error or event.code then
      return { { error = { code = tostring(event.error or event.code), message = event.message } } }
   end
   return event.isFinal and { { done = true } } or {}
end

elevenlabs.stt = { model = "scribe_v2_realtime", kind = "socket" }

function elevenlabs.stt.open(ask)
   local url = ("%s/v1/speech-to-text/realtime?model_id=%s%s"):format(
      base_url(ask, "ws"),
      ask.model,
      "&audio_format=pcm_16000&commit_strategy=manual"
   )
   if ask.language then
      url = url .. "&language_code=" .. ask.language:sub(1, 2)
   end
   return {
      url = url,
      headers = headers(),
      audio_in = {
         template = '{"message_type":"input_audio_chunk","audio_base_64":"$audio",'
            .. '"commit":false,"sample_rate":16000}',
         rate = 16000,
         piece_ms = 100,
      },
   }
end

--- The caller's turn is over: what was heard is wanted now.
function elevenlabs.stt.finish()
   return {
      {
         json = {
            message_type = "input_audio_chunk",
            audio_base_64 = "",
            commit = true,
            sample_rate = 16000,
         },
      },
   }
end

local stt_errors = {
   error = true,
   auth_error = true,
   quota_exceeded = true,
   rate_limited = true,
   input_error = true,
   transcriber_error = true,
   queue_overflow = true,
   resource_exhausted = true,
   session_time_limit_exceeded = true,
   chunk_size_exceeded = true,
   unaccepted_terms_error = true,
}

function elevenlabs.stt.message(_, text)
   local event = core.json_decode(text)
   if type(event) ~= "table" then
      return { { error = { code = "bad_answer", message = "not JSON" } } }
   end
   local kind = event.message_type
   if kind == "partial_transcript" then
      return { { partial = event.text or "" } }
   elseif kind == "committed_transcript" or kind == "committed_transcript_with_timestamps" then
      return { { final = event.text or "" } }
   elseif stt_errors[kind] then
      return { { error = { code = kind, message = tostring(event.error or kind) } } }
   end
   return {}
end

local final_codes = { invalid_api_key = true, quota_exceeded = true, voice_not_found = true }

function elevenlabs.fault(status, body)
   local answer = core.json_decode(body or "")
   local detail = type(answer) == "table" and answer.detail
   if type(detail) == "string" then
      detail = { message = detail }
   end
   detail = type(detail) == "table" and detail or {}
   local code = detail.status or ("http_" .. tostring(status))
   return { code = code, message = detail.message, final = final_codes[code] or nil }
end

return elevenlabs
