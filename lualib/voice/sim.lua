-- Simulated callers for specs: local sim = require("sim")
--
--    local caller = sim.call { script = "scripts/main.lua" }
--    caller:hears("how can I help")
--    caller:says("sales please")
--    caller:expect_transfer("+33184800010")
--
-- The clock is virtual: a minute of call takes milliseconds, and a run is the same every time. What
-- the agent says is what was *heard*; an interrupted sentence ends where it was cut.

local _, core = ...

local sim = {}
local Caller = {}
Caller.__index = Caller

local STEP = 0.02
local next_id = 1000

local function record(self)
   local json = core.record(self.world, self.id)
   return json and assert(core.json_decode(json)) or { turns = {} }
end

--- The conversation so far, one line a turn: what a failing expectation shows.
function Caller:conversation()
   local lines = {}
   for _, turn in ipairs(record(self).turns) do
      if turn.spoke then
         lines[#lines + 1] = "caller: " .. (turn.caller or "(not understood)")
      end
      if turn.agent ~= "" then
         lines[#lines + 1] = "agent:  "
            .. turn.agent
            .. (turn.interrupted and " [interrupted]" or "")
      end
   end
   return table.concat(lines, "\n")
end

local function fail(self, message)
   error(
      message
         .. "\n\nThe conversation:\n"
         .. self:conversation()
         .. "\n\nThe log:\n"
         .. core.log(self.world),
      3
   )
end

-- Lets time pass until `done` has a value; nil when it takes too long.
local function wait_until(self, seconds, done)
   local left = seconds
   while true do
      local value = done()
      if value then
         return value
      end
      if left <= 0 then
         return nil
      end
      core.advance(self.world, STEP)
      left = left - STEP
   end
end

local function webhook(self, event, extra)
   local data = {
      call_id = self.id,
      channel_id = self.id .. "1",
      status = event,
      direction = "inbound",
      from_number = self.from,
      to_number = self.to,
   }
   for key, value in pairs(extra or {}) do
      data[key] = value
   end
   local state = core.state(self.world)
   local body = {
      resource = "call",
      event = event,
      timestamp = 1790062200 + state.now,
      data = data,
      attempt = 1,
   }
   assert(core.webhook(self.world, core.json_encode(body)))
end

-- --- models --------------------------------------------------------------------------------------

local function delta(list, after, value)
   list[#list + 1] = { after, core.json_encode(value) }
end

-- The answer of a scripted model as pieces in time: 200 ms to the first word, then 50 words a
-- second, as a fast model writes.
local function pieces_of(answer)
   if type(answer) == "string" then
      answer = { say = answer }
   end
   local list = {}
   local after = answer.after or 0.2
   for word in (answer.say or ""):gmatch("%S+%s*") do
      delta(list, after, { text = word })
      after = 0.02
   end
   for i, call in ipairs(answer.tools or {}) do
      local args = call.args or call[2] or {}
      local part = { index = i - 1, id = "call_" .. i, name = call.name or call[1] }
      part.arguments = type(args) == "string" and args or core.json_encode(args)
      delta(list, after, { tool = part })
      after = 0.02
   end
   if answer.stall then
      delta(list, 86400, { done = true })
   elseif answer.error then
      delta(list, after, { error = { code = answer.error, message = "as the spec wants it" } })
   end
   return list
end

--- A model for sim.call { llm = ... }: its answers in order, the last one again and again. An
--- answer is a text; or { say, tools = { { "name", { args } } }, after = seconds, error = code,
--- stall = true }; or a function of the request that returns one of these.
function sim.llm(answers)
   local n = 0
   return function(request)
      n = n + 1
      local answer = answers[math.min(n, #answers)]
      if type(answer) == "function" then
         answer = answer(request)
      end
      return answer
   end
end

-- --- the network ---------------------------------------------------------------------------------

local answer_http

--- Answers the HTTP requests of every call that begins from now on: a function of the request that
--- returns an answer, or nil for none; docs/reference/http.md shows both. sim.call { http = ... }
--- answers those of one call.
function sim.http(answer)
   answer_http = answer
end

local function connect_net(self, answer)
   local net = require("voice.sim_net")
   self.http_requests = {}
   core.net(self.world, function(raw)
      local request = net.request(raw)
      self.http_requests[#self.http_requests + 1] = request
      local found = answer(request)
      return found and net.answer(found)
   end)
end

local function scripted(self, llm)
   self.requests = {}
   core.scripted(self.world, function(role, json)
      if role ~= "llm" then
         return nil
      end
      local request = assert(core.json_decode(json))
      self.requests[#self.requests + 1] = request
      return pieces_of(llm(request) or "")
   end)
end

--- A call: { script = path } or { source = text }, and optionally from, to, seed, connect = false,
--- llm = sim.llm { ... }.
function sim.call(options)
   local world, why = core.open({
      script = options.script,
      source = options.source,
      seed = options.seed,
      settings = options.settings,
   })
   if not world then
      error("the script does not load: " .. why, 2)
   end
   next_id = next_id + 1
   local self = setmetatable({
      world = world,
      id = options.id or tostring(next_id),
      from = options.from or "33612345678",
      to = options.to or "33184800000",
      heard_turn = 0,
      heard_bytes = 0,
   }, Caller)
   if options.llm then
      local llm = options.llm
      scripted(self, type(llm) == "table" and sim.llm(llm) or llm)
   end
   if options.http or answer_http then
      connect_net(self, options.http or answer_http)
   end
   if options.connect ~= false then
      self:rings()
      self:connects()
   end
   return self
end

--- The carrier announces the call.
function Caller:rings()
   webhook(self, "ringing")
   webhook(self, "answered")
end

--- The media connection opens: the agent begins.
function Caller:connects()
   assert(core.media(self.world, self.id, "+" .. self.from, "+" .. self.to))
   core.advance(self.world, STEP)
end

--- Any webhook: caller:event("missed", { ... }).
function Caller:event(event, data)
   webhook(self, event, data)
   core.advance(self.world, STEP)
end

-- The agent's words that no `hears` has taken yet.
local function unheard(self)
   local turns = record(self).turns
   local text = {}
   for i = math.max(self.heard_turn, 1), #turns do
      local words = turns[i].agent
      text[#text + 1] = i == self.heard_turn and words:sub(self.heard_bytes + 1) or words
   end
   return table.concat(text, " "), #turns, #turns > 0 and #turns[#turns].agent or 0
end

--- Waits until the agent has said something that matches (a Lua pattern, case ignored); returns
--- what was said. Fails with the conversation after `seconds` (default 20).
function Caller:hears(pattern, seconds)
   local wanted = pattern:lower()
   local text = wait_until(self, seconds or 20, function()
      local said, turn, bytes = unheard(self)
      if said:lower():find(wanted) then
         self.heard_turn, self.heard_bytes = turn, bytes
         return said
      end
   end)
   return text or fail(self, ('the agent did not say "%s"'):format(pattern))
end

local function is_quiet(self)
   return not core.state(self.world).talking
end

--- Says a text once the agent is silent, at the pace of speech; then waits for the turn to end.
function Caller:says(text)
   wait_until(self, 60, function()
      return is_quiet(self)
   end)
   core.advance(self.world, 0.3)
   local seconds = math.max(#text / 15, 0.3)
   if not core.say(self.world, text, seconds) then
      fail(self, ('the call is over, nobody hears "%s"'):format(text))
   end
   core.advance(self.world, seconds + 0.1)
end

--- Says a text after the agent has spoken for `seconds`, whatever it is saying.
function Caller:interrupts_after(seconds, text)
   wait_until(self, 20, function()
      return not is_quiet(self)
   end)
   core.advance(self.world, seconds)
   local long = math.max(#text / 15, 0.3)
   if not core.say(self.world, text, long) then
      fail(self, ('the call is over, nobody hears "%s"'):format(text))
   end
   core.advance(self.world, long + 0.1)
end

--- Presses keys.
function Caller:presses(digits)
   if not core.press(self.world, digits) then
      fail(self, "the call is over, nobody sees the keys")
   end
   core.advance(self.world, STEP)
end

--- Says nothing for so long.
function Caller:is_silent(seconds)
   core.advance(self.world, seconds)
end

--- Hangs up.
function Caller:hangs_up()
   webhook(self, "hangup")
   core.media_closed(self.world, true)
   core.advance(self.world, 0.1)
end

--- The desk picks up: what a transfer that went through looks like.
function Caller:is_picked_up()
   webhook(self, "answered", { channel_id = self.id .. "2" })
   core.advance(self.world, 0.1)
end

--- The agent asks for a transfer to this number, and the desk picks up.
function Caller:expect_transfer(number)
   local got = wait_until(self, 20, function()
      return core.state(self.world).transfer
   end)
   local plain = number:gsub("^%+", "")
   if (got or ""):gsub("^%+", "") ~= plain then
      fail(self, ("expected a transfer to %s, got %s"):format(number, got or "none"))
   end
   self:is_picked_up()
end

--- The agent has used a tool of this name, or will within 20 s; returns its arguments. `wanted`:
--- arguments that it must have been given.
function Caller:expect_tool(name, wanted)
   local args = wait_until(self, 20, function()
      for _, turn in ipairs(record(self).turns) do
         for _, tool in ipairs(turn.tools or {}) do
            if tool.name == name then
               return core.json_decode(tool.arguments) or {}
            end
         end
      end
   end)
   if not args then
      fail(self, ("expected the tool %s to be used"):format(name))
   end
   for key, value in pairs(wanted or {}) do
      if args[key] ~= value then
         local got = tostring(args[key])
         fail(
            self,
            ("the tool %s got %s = %s, expected %s"):format(name, key, got, tostring(value))
         )
      end
   end
   return args
end

--- How many lines of the log match a Lua pattern. What print puts between values is a blank there.
function Caller:logged(pattern)
   local count = 0
   for line in core.log(self.world):gmatch("[^\n]+") do
      local text = line:gsub("\\x09", " ")
      count = count + (text:find(pattern) and 1 or 0)
   end
   return count
end

--- The agent ends the call.
function Caller:expect_hangup(seconds)
   local closed = wait_until(self, seconds or 20, function()
      return core.state(self.world).closed
   end)
   if not closed then
      fail(self, "the agent did not hang up")
   end
end

--- The call ended like this: "hangup", "transferred", "caller_hangup", "failed", "timeout".
function Caller:expect_outcome(outcome)
   core.advance(self.world, 0.1)
   local got = record(self).outcome
   if got ~= outcome then
      fail(self, ("expected the outcome %s, got %s"):format(outcome, tostring(got)))
   end
end

--- Every answer so far began within so many milliseconds of silence.
function Caller:expect_gap_below(ms)
   for i, turn in ipairs(record(self).turns) do
      if turn.gap_ms and turn.gap_ms >= ms then
         fail(self, ("the gap of turn %d is %d ms, expected below %d"):format(i, turn.gap_ms, ms))
      end
   end
end

--- The turns as the engine keeps them: { caller, agent, gap_ms, interrupted, spoke }.
function Caller:turns()
   return record(self).turns
end

--- The call's record.
function Caller:record()
   return record(self)
end

--- What the engine logged.
function Caller:log()
   return core.log(self.world)
end

--- Digits that the agent sent.
function Caller:digits_sent()
   return core.state(self.world).digits
end

--- Ends the simulation; the garbage collector does it otherwise.
function Caller:close()
   core.close(self.world)
end

return sim
