-- AssemblyAI: streaming transcription, version 3.

local _, core = ...

local assemblyai = {
   name = "assemblyai",
   hosts = { "streaming.assemblyai.com", "streaming.eu.assemblyai.com" },
   secrets = { "ASSEMBLYAI_API_KEY" },
}

assemblyai.stt = { model = "universal-streaming-english", kind = "socket" }

function assemblyai.stt.open(ask)
   local settings = ask.settings or {}
   local base = ask.base_url or settings.ASSEMBLYAI_BASE_URL or "wss://streaming.assemblyai.com"
   return {
      url = base:gsub("/+$", ""):gsub("^http", "ws")
         .. "/v3/ws?sample_rate=16000&encoding=pcm_s16le&format_turns=true&speech_model="
         .. ask.model,
      headers = { authorization = "${ASSEMBLYAI_API_KEY}", ["assemblyai-version"] = "2025-05-12" },
      -- Messages outside 50 to 1000 ms are refused.
      audio_in = { rate = 16000, piece_ms = 100, least_ms = 50 },
   }
end

function assemblyai.stt.finish()
   return { { json = { type = "ForceEndpoint" } } }
end

function assemblyai.stt.close()
   return { { json = { type = "Terminate" } } }
end

function assemblyai.stt.message(_, text)
   local event = core.json_decode(text)
   if type(event) ~= "table" then
      return { { error = { code = "bad_answer", message = "not JSON" } } }
   end
   if event.type == "Error" then
      return {
         { error = { code = tostring(event.error_code or "provider"), message = event.error } },
      }
   end
   if event.type ~= "Turn" then
      return {}
   end
   -- With formatted turns the same turn comes a second time; only that one is final.
   if event.end_of_turn and event.turn_is_formatted then
      return { { final = event.transcript or "" } }
   end
   return { { partial = event.transcript or "" } }
end

return assemblyai
