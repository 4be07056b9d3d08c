-- The call as scripts see it: straight-line code, every method suspends the call and nothing else.
--
-- Built on a few primitives of the engine: an operation is started (say, listen, transfer), and
-- `core.wait` is the one place where a task is suspended.

local _, core = ...

local duration = require("voice.duration")
local fault = require("voice.fault")
local log = require("voice.log")
local scope = require("voice.scope")
local tenant = require("voice.tenant")
local turns = require("voice.turns")

local Call = {}
-- A table of its own: through `call.__index` a script could change the methods of every call.
local Meta = { __index = Call, __metatable = false, __name = "call" }

--- The call of the running task.
function Call.new()
   local facts = core.call()
   local vars = core.vars()
   return setmetatable({
      id = facts.id,
      from = facts.from,
      to = facts.to,
      direction = facts.direction,
      tenant = tenant,
      vars = vars ~= "" and core.json_decode(vars) or {},
      log = log,
   }, Meta)
end

function Call:_keep_vars()
   local ok, json = pcall(core.json_encode, self.vars)
   if ok then
      core.set_vars(json)
   else
      core.log("error", "call.vars could not be kept: " .. tostring(json), 2)
   end
end

local function check_self(self)
   if getmetatable(self) ~= false then
      error("write call:method(...), with a colon", 3)
   end
end

local function check_text(text, method)
   if type(text) ~= "string" then
      error(("call:%s: the text must be a string, not a %s"):format(method, type(text)), 3)
   end
   return text
end

local say_options = { voice = true, interruptible = true }

local function check_options(opts, known, method)
   if opts == nil then
      return {}
   end
   if type(opts) ~= "table" then
      error(("call:%s: the options must be a table"):format(method), 3)
   end
   for key in pairs(opts) do
      if not known[key] then
         local names = {}
         for name in pairs(known) do
            names[#names + 1] = name
         end
         table.sort(names)
         error(
            ("call:%s: unknown option '%s'; the options are %s"):format(
               method,
               tostring(key),
               table.concat(names, ", ")
            ),
            3
         )
      end
   end
   return opts
end

local function start_say(ops, text, opts)
   return ops:add(core.say(text, { voice = opts.voice, fixed = opts.interruptible == false }))
end

--- Speaks a text. Returns the words that were heard, and whether the caller interrupted.
function Call:say(text, opts)
   check_self(self)
   check_text(text, "say")
   opts = check_options(opts, say_options, "say")
   if not text:find("%S") then
      return "", false
   end
   local ops <close> = scope()
   local id = start_say(ops, text, opts)
   while true do
      local _, kind, how, heard, _, code = core.wait(nil, id)
      if kind == "done" then
         if how == "failed" then
            fault.raise("failed", "the voice failed: " .. code)
         end
         return heard, how == "interrupted"
      end
   end
end

--- Waits. Durations are "2s", "300ms" or seconds.
function Call:sleep(time)
   check_self(self)
   local seconds = duration(time, "call:sleep")
   if seconds == nil then
      error('call:sleep: how long? For example call:sleep("2s")', 2)
   end
   core.waits()
   -- No operation has this id, so only the time-out ends the wait.
   core.wait(seconds, 0)
end

--- Ends the call once what was said has been heard. Does not return.
function Call:hangup()
   check_self(self)
   core.hangup()
   core.wait(nil, 0)
end

--- Sends key presses to the other side: "12#".
function Call:dtmf(digits)
   check_self(self)
   check_text(digits, "dtmf")
   local ok, code = core.digits(digits)
   if not ok then
      return nil, code
   end
   return true
end

local transfer_options = { timeout = true }

--- Hands the caller over. Returns "answered", "busy", "no_answer" or "failed".
function Call:transfer(number, opts)
   check_self(self)
   opts = check_options(opts, transfer_options, "transfer")
   local digits = type(number) == "string" and number:gsub("[%s%.%-%(%)]", "") or nil
   if not digits or not digits:match("^%+?%d+$") or #digits < 3 or #digits > 20 then
      error(("call:transfer: '%s' is no telephone number"):format(tostring(number)), 2)
   end
   local ops <close> = scope()
   local id, code = core.transfer(digits, duration(opts.timeout, "timeout") or 30)
   if not id then
      log.warn("transfer refused: " .. code)
      return "failed"
   end
   ops:add(id)
   local _, outcome = core.wait(nil, id)
   return outcome
end

--- Where the caller goes when this script fails, after the apology; nil for nowhere.
function Call:fallback(number)
   check_self(self)
   local digits = ""
   if number ~= nil then
      digits = type(number) == "string" and number:gsub("[%s%.%-%(%)]", "") or "?"
      if not digits:match("^%+?%d+$") or #digits < 3 or #digits > 20 then
         error(("call:fallback: '%s' is no telephone number"):format(tostring(number)), 2)
      end
   end
   core.set_fallback(digits)
end

--- Echo test: the caller hears himself until the call ends or the time is over.
function Call:echo(opts)
   check_self(self)
   opts = check_options(opts, { time = true }, "echo")
   core.waits()
   core.echo(true)
   core.wait(duration(opts.time, "time"), 0)
   core.echo(false)
end

--- Starts a function beside this one; it ends with the call.
function Call:spawn(fn, ...)
   check_self(self)
   if type(fn) ~= "function" then
      error("call:spawn: a function is expected", 2)
   end
   local id, code = core.spawn(fn, ...)
   if not id then
      fault.raise(code)
   end
end

--- Changes how turns are taken on this call: { endpoint = "700ms", language = "fr", ... }, see
--- docs/reference/turns.md. What is not named stays as it is.
function Call:turns(opts)
   check_self(self)
   turns.apply(opts, "call:turns", 2)
end

--- A short tone, as before a message. Returns when it was heard.
function Call:beep(hz, time)
   check_self(self)
   local ops <close> = scope()
   local ms = math.floor((duration(time, "call:beep") or 0.3) * 1000)
   core.wait(nil, ops:add(core.tone(hz or 1000, ms)))
end

-- methods that are long enough for a file of their own
for _, module in ipairs({ "voice.gather", "voice.record", "voice.converse" }) do
   for name, method in pairs(require(module)) do
      Call[name] = method
   end
end

return Call
