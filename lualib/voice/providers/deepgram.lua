-- Deepgram: streaming transcription (Nova), turn events (Flux), a voice (Aura).

local _, core = ...

local deepgram = {
   name = "deepgram",
   hosts = { "api.deepgram.com" },
   secrets = { "DEEPGRAM_API_KEY" },
}

local function base_url(ask, scheme)
   local settings = ask.settings or {}
   local url = (ask.base_url or settings.DEEPGRAM_BASE_URL or "https://api.deepgram.com"):gsub(
      "/+$",
      ""
   )
   return scheme == "ws" and url:gsub("^http", "ws") or url
end

local function headers()
   return { authorization = "Token ${DEEPGRAM_API_KEY}" }
end

local function close_message()
   return { { json = { type = "CloseStream" } } }
end

local function fault_event(event)
   return {
      {
         error = {
            code = event.code or event.err_code or "provider",
            message = event.description or event.err_msg,
         },
      },
   }
end

local function decode(text)
   local event, why = core.json_decode(text)
   if type(event) ~= "table" then
      return nil, { { error = { code = "bad_answer", message = "not JSON: " .. tostring(why) } } }
   end
   return event
end

deepgram.stt = { model = "nova-3", kind = "socket" }

function deepgram.stt.open(ask)
   local url = base_url(ask, "ws")
      .. "/v1/listen?encoding=linear16&sample_rate=16000&channels=1&interim_results=true"
      .. "&punctuate=true&smart_format=true&endpointing=false&model="
      .. ask.model
   if ask.language then
      url = url .. "&language=" .. ask.language
   end
   return {
      url = url,
      headers = headers(),
      audio_in = { rate = 16000, piece_ms = 60 },
      -- Ten seconds without a byte and the connection is closed.
      keepalive = { every = 4, message = { json = { type = "KeepAlive" } } },
   }
end

function deepgram.stt.finish()
   return { { json = { type = "Finalize" } } }
end

deepgram.stt.close = close_message

function deepgram.stt.message(state, text)
   local event, problem = decode(text)
   if not event then
      return problem
   end
   if event.type == "Error" then
      return fault_event(event)
   end
   if event.type ~= "Results" then
      return {}
   end
   local alternatives = event.channel and event.channel.alternatives or {}
   local words = alternatives[1] and alternatives[1].transcript or ""
   local sofar = state.words or ""
   if not event.is_final then
      return { { partial = sofar .. words } }
   end
   state.words = sofar .. words .. (words ~= "" and " " or "")
   if event.from_finalize then
      local whole = state.words:gsub("%s+$", "")
      state.words = nil
      return { { final = whole } }
   end
   return { { partial = (state.words:gsub("%s+$", "")) } }
end

--- Flux tells itself when a turn is over: it can be the endpoint.
deepgram.flux = { model = "flux-general-en", kind = "socket", endpoint = true }

function deepgram.flux.open(ask)
   return {
      url = base_url(ask, "ws")
         .. "/v2/listen?encoding=linear16&sample_rate=16000"
         .. "&eot_threshold=0.7&eager_eot_threshold=0.4&model="
         .. ask.model,
      headers = headers(),
      audio_in = { rate = 16000, piece_ms = 80, always = true },
   }
end

deepgram.flux.close = close_message

local turn_events = {
   StartOfTurn = function()
      return { { start_of_turn = true } }
   end,
   Update = function(event)
      return { { partial = event.transcript or "" } }
   end,
   EagerEndOfTurn = function(event)
      return { { partial = event.transcript or "" }, { eager_end = true } }
   end,
   TurnResumed = function()
      return { { resumed = true } }
   end,
   EndOfTurn = function(event)
      return { { final = event.transcript or "" }, { end_of_turn = true } }
   end,
}

function deepgram.flux.message(_, text)
   local event, problem = decode(text)
   if not event then
      return problem
   end
   if event.type == "Error" then
      return fault_event(event)
   end
   local handler = event.type == "TurnInfo" and turn_events[event.event]
   return handler and handler(event) or {}
end

deepgram.tts = { model = "aura-2-thalia-en", kind = "http" }

function deepgram.tts.request(ask)
   return {
      method = "POST",
      url = ("%s/v1/speak?model=%s&encoding=linear16&sample_rate=16000&container=none"):format(
         base_url(ask),
         ask.voice or ask.model
      ),
      headers = headers(),
      json = { text = ask.text },
      audio = { format = "pcm", rate = 16000 },
   }
end

function deepgram.fault(status, body)
   local answer = core.json_decode(body or "")
   answer = type(answer) == "table" and answer or {}
   return { code = answer.err_code or ("http_" .. tostring(status)), message = answer.err_msg }
end

return deepgram
