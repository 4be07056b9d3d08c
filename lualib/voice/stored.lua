-- What survives the engine: small facts (voice.tenant.kv), follow-ups (voice.at), effects that are
-- to be had once (voice.outbox).
--
-- Every function waits until what it wrote is on the disk. Where there is no room for now it
-- returns nil, "busy"; a disk that cannot be written to raises a fault with the code "io".

local _, core = ...

local duration = require("voice.duration")
local fault = require("voice.fault")

local stored = {}

-- What the engine may answer besides success, as values that a script can branch on.
local expected = { busy = true, not_found = true, exists = true }

local function result(id, code)
   if not id then
      if code == "busy" then
         return nil, code
      end
      fault.raise(code)
   end
   local _, kind, value, extra = core.wait(nil, id)
   if kind ~= "error" then
      return value == nil and true or value
   end
   if not expected[value] then
      fault.raise(value)
   end
   return nil, value, extra
end

local function check_key(key, name)
   if type(key) ~= "string" or key == "" or #key > 256 then
      error(name .. ": a key is a text of 1 to 256 bytes", 3)
   end
   return key
end

local function encode(value, name)
   local ok, json = pcall(core.json_encode, value)
   if not ok then
      error(name .. ": the value cannot be kept: " .. tostring(json), 3)
   end
   if #json > 65536 then
      error(name .. ": a value has at most 64 KiB as JSON", 3)
   end
   return json
end

local function field(opts, name, known)
   if opts ~= nil and type(opts) ~= "table" then
      error(name .. ": the options must be a table", 3)
   end
   for key in pairs(opts or {}) do
      if not known[key] then
         error(("%s: unknown option '%s'"):format(name, tostring(key)), 3)
      end
   end
   return opts or {}
end

-- --- voice.tenant.kv -----------------------------------------------------------------------------

local kv = {}
local kv_options = { ttl = true }

--- The value of a key, or nil and "not_found".
function kv.get(key)
   local json, code = result(core.kv_get(check_key(key, "kv.get")))
   if not json then
      return nil, code
   end
   return core.json_decode(json)
end

--- Keeps a value (anything that has a JSON text) under a key, for `ttl` or for ever.
function kv.set(key, value, opts)
   opts = field(opts, "kv.set", kv_options)
   check_key(key, "kv.set")
   if value == nil then
      error("kv.set: there is no value; kv.delete removes a key", 2)
   end
   return result(core.kv_set(key, encode(value, "kv.set"), duration(opts.ttl, "ttl")))
end

--- Adds to a whole number and returns the sum. A key that is not there counts as 0; `ttl` begins
--- with the first time, so a counter with one limits a rate.
function kv.incr(key, by, opts)
   opts = field(opts, "kv.incr", kv_options)
   check_key(key, "kv.incr")
   by = by == nil and 1 or by
   if math.type(by) ~= "integer" then
      error("kv.incr: the step is a whole number", 2)
   end
   return result(core.kv_incr(key, by, duration(opts.ttl, "ttl")))
end

--- Removes a key; true, or nil and "not_found".
function kv.delete(key)
   return result(core.kv_delete(check_key(key, "kv.delete")))
end

stored.kv = core.protect(kv, "kv")

-- --- voice.at ------------------------------------------------------------------------------------

--- Runs a handler of the newest script later: `when` is a duration from now ("2h") or a number of
--- seconds since 1970. It is given `data`. One with a `key` that is already planned stays as it is:
--- nil, "exists".
function stored.at(when, handler, data, key)
   local due = when
   if type(when) == "string" then
      due = core.wall() / 1000 + duration(when, "voice.at")
   end
   if type(due) ~= "number" or due ~= due or due < 0 or due > 1e11 then
      error('voice.at: when is a duration ("2h") or a number of seconds since 1970', 2)
   end
   if not require("voice.runtime").has(handler) then
      error(("voice.at: the script has no handler '%s'"):format(tostring(handler)), 2)
   end
   if key ~= nil then
      check_key(key, "voice.at")
   end
   local json = data == nil and "" or encode(data, "voice.at")
   local id, code = result(core.at(due, handler, json, key))
   return id and true, code
end

--- Withdraws what was planned with a key; true, or nil and "not_found".
function stored.cancel_at(key)
   return result(core.at_cancel(check_key(key, "voice.cancel_at")))
end

-- --- voice.outbox --------------------------------------------------------------------------------

local outbox = {}
local put_options = { keyed = true, match = true, delay = true }
local sinks = {}

--- Has a sink carry out an effect, once, even when this handler runs again after a crash. Returns
--- its number. Options: `keyed` (the sink honours an idempotency key: it gets effect.key), `match`
--- (a text by which outbox.confirm will know it), `delay`.
function outbox.put(sink, payload, opts)
   opts = field(opts, "outbox.put", put_options)
   if type(sink) ~= "string" or sink == "" or #sink > 64 then
      error("outbox.put: a sink is a name of 1 to 64 bytes", 2)
   end
   local delay = duration(opts.delay, "delay")
   local json = encode(payload == nil and {} or payload, "outbox.put")
   local id, code, there = result(core.outbox_put(sink, json, opts.keyed, opts.match, delay))
   if code == "exists" then
      return there
   end
   return id, code
end

--- News from outside: an effect with this `match` has arrived. The number of the effect it
--- settles, or nil and "not_found".
function outbox.confirm(match)
   if type(match) ~= "string" or match == "" or #match > 512 then
      error("outbox.confirm: a match is a text of 1 to 512 bytes", 2)
   end
   return result(core.outbox_confirm(match))
end

stored.outbox = core.protect(outbox, "outbox")

--- For lualib: a sink that every script has. A script's own, in its table `sinks`, comes first.
function stored.sink(name, run)
   sinks[name] = run
end

local outcomes = { done = true, retry = true, unknown = true, dead = true }

--- Runs a sink: function(payload, effect) returns nothing when it is done, else "retry", "unknown"
--- or "dead", why, and for "retry" after how long.
function stored.carry_out(own, json, attempt)
   local effect = core.json_decode(json)
   local sink = own and own[effect.sink] or sinks[effect.sink]
   if type(sink) ~= "function" then
      core.outcome("dead", ("the script has no sink '%s'"):format(effect.sink))
      return
   end
   effect.attempt = attempt
   local payload = effect.payload
   effect.payload = nil
   local outcome, why, after = sink(payload, effect)
   if outcome == nil or outcome == true then
      outcome = "done"
   elseif not outcomes[outcome] then
      error(("sink '%s': '%s' is no outcome"):format(effect.sink, tostring(outcome)), 0)
   end
   core.outcome(outcome, why and tostring(why), duration(after, "after"))
end

return stored
