-- Taking a message: the caller's words as a WAV file in the data folder.

local _, core = ...

local duration = require("voice.duration")
local scope = require("voice.scope")

local record_options = { max = true, silence = true, terminator = true, beep = true }

-- Waits for the end of the message: silence after speech, a key, or the longest time.
local function wait_for_end(turns, rule)
   local last = core.now() + rule.max
   -- At first the caller may think for a while.
   local quiet = core.now() + math.max(rule.silence * 2, 6)
   local spoke = false
   while true do
      local left = math.max(math.min(last, quiet) - core.now(), 0)
      local _, kind, value = core.wait(left, turns)
      if kind == "speech" then
         spoke, quiet = true, math.huge
      elseif kind == "commit" then
         quiet = core.now() + rule.silence
      elseif kind == "digit" and value == rule.terminator then
         return "key", spoke
      elseif kind == "timeout" then
         return core.now() >= last and "max" or "silence", spoke
      end
   end
end

--- Records the caller after a beep. Returns { path, seconds, ended }, where `ended` is "silence",
--- "key" or "max"; or nil and "silence" when nothing was said.
local function record(_, opts)
   opts = opts or {}
   for key in pairs(opts) do
      if not record_options[key] then
         error(("call:record: unknown option '%s'"):format(tostring(key)), 2)
      end
   end
   local rule = {
      max = duration(opts.max, "max") or 120,
      silence = duration(opts.silence, "silence") or 3,
      terminator = opts.terminator or "#",
   }
   local ops <close> = scope()
   if opts.beep ~= false then
      core.wait(nil, ops:add(core.tone(1000, 300)))
   end
   local turns = ops:add(core.turns())
   core.detect_digits(true)
   local id = ops:add(core.record())
   local ended, spoke = wait_for_end(turns, rule)
   core.record_stop(id)
   local _, _, seconds, path = core.wait(nil, id)
   if not spoke then
      return nil, "silence"
   end
   core.heard("(message)")
   return { path = path ~= "" and path or nil, seconds = seconds, ended = ended }
end

return { record = record }
