-- Cartesia: a voice over WebSocket (one context per answer) or HTTP.

local _, core = ...

local cartesia = {
   name = "cartesia",
   hosts = { "api.cartesia.ai" },
   secrets = { "CARTESIA_API_KEY" },
}

local VERSION = "2026-03-01"
local DEFAULT_VOICE = "694f9389-aac1-45b6-b726-9d9369183238"

local function base_url(ask, scheme)
   local settings = ask.settings or {}
   local url = (ask.base_url or settings.CARTESIA_BASE_URL or "https://api.cartesia.ai"):gsub(
      "/+$",
      ""
   )
   return scheme == "ws" and url:gsub("^http", "ws") or url
end

local function headers()
   return { authorization = "Bearer ${CARTESIA_API_KEY}", ["cartesia-version"] = VERSION }
end

local function body(ask, extra)
   local out = {
      model_id = ask.model,
      transcript = ask.text,
      voice = { mode = "id", id = ask.voice },
      language = ask.language and ask.language:sub(1, 2) or "en",
      output_format = { container = "raw", encoding = "pcm_s16le", sample_rate = 16000 },
   }
   for key, value in pairs(extra or {}) do
      out[key] = value
   end
   return out
end

cartesia.tts = { model = "sonic-3.5", voice = DEFAULT_VOICE, kind = "http" }

function cartesia.tts.request(ask)
   return {
      method = "POST",
      url = base_url(ask) .. "/tts/bytes",
      headers = headers(),
      json = body(ask),
      audio = { format = "pcm", rate = 16000 },
   }
end

cartesia.tts_socket = { model = "sonic-3.5", voice = DEFAULT_VOICE, kind = "socket" }

function cartesia.tts_socket.open(ask)
   return {
      url = base_url(ask, "ws") .. "/tts/websocket",
      headers = headers(),
      audio_out = { at = "data", as = "base64", format = "pcm", rate = 16000 },
   }
end

-- All pieces of an answer are one context; whole sentences need no buffering there.
function cartesia.tts_socket.speak(text, ask)
   return {
      {
         json = body(ask, {
            transcript = text .. " ",
            context_id = ask.context,
            continue = true,
            max_buffer_delay_ms = 0,
         }),
      },
   }
end

function cartesia.tts_socket.finish(ask)
   return { { json = body(ask, { transcript = "", context_id = ask.context, continue = false }) } }
end

function cartesia.tts_socket.cancel(ask)
   return { { json = { context_id = ask.context, cancel = true } } }
end

function cartesia.tts_socket.message(_, text)
   local event = core.json_decode(text)
   if type(event) ~= "table" then
      return { { error = { code = "bad_answer", message = "not JSON" } } }
   end
   if event.type == "error" then
      return {
         {
            error = {
               code = event.error_code or "provider",
               message = event.message or event.title,
            },
         },
      }
   end
   return event.type == "done" and { { done = true } } or {}
end

return cartesia
