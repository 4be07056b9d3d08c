-- A conversation: call:converse(agent). Docs: docs/explanation/conversation.md.
--
-- One loop over what happens: the caller's turns, what was understood, the model's stream, what was
-- spoken, tools that are done, deadlines. An answer is begun on trial while the caller may still go
-- on (speculate); nothing of it is heard, and no tool runs, before the turn is committed.

local _, core = ...

local agents = require("voice.agent")
local answers = require("voice.answer")
local check = require("voice.check")
local histories = require("voice.history")
local log = require("voice.log")
local scope = require("voice.scope")
local speakable = require("voice.speakable")
local toolbox = require("voice.toolbox")

local SAYS_AHEAD = 3 -- pieces given to the voice at once
local FILLERS_MAX = 2 -- in a turn
local FAILURES_MAX = 2 -- in a row, then the conversation ends
local IDLE_MAX = 2 -- times a silent caller is asked

local Conversation = {}
Conversation.__index = Conversation
Conversation.shorten = require("voice.summary")

-- --- deadlines: at most one of each name ---------------------------------------------------------

function Conversation:at(name, seconds)
   self.deadlines[name] = seconds and core.now() + seconds or nil
end

local function earliest(self)
   local name, at
   for other, when in pairs(self.deadlines) do
      if not at or when < at or when == at and other < name then
         name, at = other, when
      end
   end
   return name, at
end

-- --- speaking ------------------------------------------------------------------------------------

function Conversation:phrase(list, last)
   if #list == 1 then
      return list[1], 1
   end
   local i = 1 + math.floor(core.random() * #list)
   if i == last then
      i = i % #list + 1
   end
   return list[i], i
end

-- Gives a text to the voice. `piece` takes the words that were heard. What is said for an answer
-- on trial is made now and heard only once that answer is committed.
function Conversation:speak(text, piece, trial, filler)
   local words = speakable.make(text, self.language, self.agent.filters)
   if not words:find("%S") then
      if piece then
         piece.heard = text
      end
      return
   end
   local id, code = core.say(words, {
      voice = self.voice,
      filler = filler,
      turn = trial and trial.turn,
      take = trial and trial.take,
   })
   if not id and code == "canceled" then
      piece.heard = "" -- the caller has just gone on
      return
   end
   if not id then
      log.warn("the voice could not begin: " .. tostring(code))
      if piece then
         piece.heard = ""
      end
      return
   end
   self.ops:add(id)
   self.saying = self.saying + 1
   self:at("idle", nil)
   self.handlers[id] = function(kind, how, heard, _, why)
      if kind ~= "done" then
         return
      end
      self.handlers[id] = nil
      self.saying = self.saying - 1
      if piece then
         piece.heard = how == "played" and text or heard
      end
      if how == "failed" then
         log.error("the voice failed: " .. tostring(why))
      end
      self:go_on()
   end
end

-- The committed answer's pieces go to the voice, a few ahead of what is being heard.
function Conversation:speak_ready()
   local answer = self.answer
   while answer and answer.committed and #answer.ready > 0 and self.saying < SAYS_AHEAD do
      local piece = table.remove(answer.ready, 1)
      answer.spoken = true
      self.failures = 0
      self:at("filler", nil)
      self:at("budget", nil)
      self:speak(piece.text, piece)
   end
end

-- The first piece of an answer on trial: its sound is ready when the turn is over.
function Conversation:prepare()
   local answer = self.answer
   if not answer or answer.committed or not answer.turn or answer.prepared then
      return
   end
   if #answer.ready > 0 and self.saying == 0 then
      local piece = table.remove(answer.ready, 1)
      answer.prepared = true
      self:speak(piece.text, piece, answer)
   end
end

-- --- the model -----------------------------------------------------------------------------------

function Conversation:prompt()
   local prompt = self.agent.prompt
   if type(prompt) == "function" then
      prompt = prompt(self.call)
   end
   if type(prompt) ~= "string" then
      error("the agent's prompt function must return a text, not a " .. type(prompt), 0)
   end
   return prompt
end

function Conversation:request(messages)
   local agent = self.agent
   local descriptions
   for i, tool in ipairs(agent.tools) do
      descriptions = descriptions or {}
      descriptions[i] =
         { name = tool.name, description = tool.description, parameters = tool.parameters }
   end
   return {
      system = self:prompt(),
      messages = core.json_array(self.history:messages(messages)),
      tools = descriptions and core.json_array(descriptions),
      model = agent.model,
      temperature = agent.temperature,
      max_tokens = agent.max_tokens,
   }
end

function Conversation:ask(answer)
   answer:start(self:request(answer.messages), self.language)
   local stream = answer.stream
   if stream then
      self.ops:add(stream.id)
      self.handlers[stream.id] = function(kind, ...)
         if answer.stream ~= stream then
            return
         end
         if answer:take_message(kind, ...) then
            self.handlers[stream.id] = nil
         end
         self:go_on()
      end
   end
end

function Conversation:drop_answer()
   local answer = self.answer
   self.answer = nil
   if answer and not answer.committed then
      answer:stop()
   elseif answer then
      answer:cut()
   end
end

-- --- turns of the caller -------------------------------------------------------------------------

-- Begins an answer on trial.
function Conversation:try(turn, take, text)
   if self.answer and not self.answer.committed then
      self:drop_answer()
   elseif self.answer then
      self.before = self.answer -- still being spoken; it is cut when this one is committed
   end
   self.answer = answers.new(turn, take, text)
   self:ask(self.answer)
end

-- What was understood of a turn, on trial or for good.
function Conversation:on_text(turn, take, text)
   if self.answered_turn and turn <= self.answered_turn then
      return
   end
   self.heard = { turn = turn, take = take, text = text }
   local answer = self.answer
   if answer and not answer.committed and answer.turn == turn and answer.text == text then
      answer.take = take
   elseif text:find("%S") and not self.over then
      self:try(turn, take, text)
   end
   if self.waiting and self.waiting.turn == turn and self.waiting.take == take then
      self:settle_turn()
   end
end

function Conversation:on_discard(turn)
   local answer = self.answer
   if answer and not answer.committed and answer.turn == turn then
      self.answer = self.before
      self.before = nil
      answer:stop()
   end
   self.heard = nil
end

-- The caller's turn is over; what was understood may come a little later.
function Conversation:on_commit(turn, take)
   self.waiting = { turn = turn, take = take }
   self.speaking = false
   self.fillers = 0
   self:at("idle", nil)
   self:at("filler", self.agent.filler_after)
   self:at("budget", self.agent.budget)
   if self.heard and self.heard.turn == turn and self.heard.take == take then
      self:settle_turn()
   end
end

function Conversation:settle_turn()
   local turn, text = self.waiting.turn, self.heard.text
   self.waiting = nil
   self.answered_turn = turn
   if not text:find("%S") then
      return self:not_understood()
   end
   core.heard(text)
   self.misses = 0
   self:commit(self.answer)
end

-- The answer counts from here on.
function Conversation:commit(answer)
   if self.before then
      self.before:cut()
      self.before = nil
   end
   answer.committed = true
   if answer.prepared then
      answer.spoken = true
      self.failures = 0
      self:at("filler", nil)
      self:at("budget", nil)
   end
   self.turns = self.turns + 1
   self.history:adopt(answer.messages)
   self:go_on()
end

function Conversation:not_understood()
   core.heard(nil)
   if self.answer and not self.answer.committed then
      self:drop_answer()
   end
   self:at("filler", nil)
   self:at("budget", nil)
   self.misses = self.misses + 1
   local list = self.agent.unheard or agents.phrases(self.language).unheard
   self:speak(list[(self.misses - 1) % #list + 1])
end

-- Keys are a turn too: what was pressed until the caller paused.
function Conversation:on_keys()
   local keys = self.keys
   self.keys = ""
   core.heard(keys)
   self:drop_answer()
   self.answer = answers.new(nil, nil, ("[The caller pressed the keys %s]"):format(keys))
   self.fillers = 0
   self:at("filler", self.agent.filler_after)
   self:at("budget", self.agent.budget)
   self:ask(self.answer)
   self:commit(self.answer)
end

-- --- what comes of an answer ---------------------------------------------------------------------

function Conversation:failed(answer)
   local fault = answer.fault or { code = "empty", message = "the model said nothing" }
   log.error(("the model failed: %s: %s"):format(fault.code, tostring(fault.message)))
   self.answer = nil
   self:at("filler", nil)
   self:at("budget", nil)
   if answer.spoken then
      return self:rest()
   end
   self.failures = self.failures + 1
   if self.failures >= FAILURES_MAX or fault.code == "no_model" then
      self.ending = { reason = "failed" }
      return self:rest()
   end
   self:speak(self.agent.apology or agents.phrases(self.language).apology)
end

-- Tools that the written answer asks for. True while they, or the model after them, are at work.
function Conversation:run_tools(answer)
   local calls = answer:calls()
   if #calls == 0 then
      return false
   end
   if not answer.running then
      if not answer.committed and not toolbox.are_safe(self.agent, calls) then
         return true
      end
      toolbox.start(self, answer, calls)
   end
   if answer.running.left > 0 then
      return true
   end
   answer.running = nil
   if self.ending then
      return false
   end
   if answer.committed then
      self:at("budget", self.agent.budget)
      self:at("filler", self.agent.filler_after)
   end
   self:ask(answer)
   return true
end

-- Looks at where the answer stands; called after everything that could have changed it.
function Conversation:go_on()
   local answer = self.answer
   if self.over then
      return
   end
   self:speak_ready()
   self:prepare()
   if answer and answer.written and not answer.fault and self:run_tools(answer) then
      return
   end
   if answer and answer.committed then
      if not answer.written or #answer.ready > 0 then
         return
      end
      if answer.fault or answer:is_empty() and answer.round == 1 then
         return self:failed(answer)
      end
      self.answer = nil
      self:at("filler", nil)
      self:at("budget", nil)
   end
   self:rest()
end

-- Nothing is going on in this turn any more: end, hand over, or wait for the caller.
function Conversation:rest()
   if self.saying > 0 or self.answer and self.answer.committed then
      return
   end
   local ending = self.ending
   if ending and ending.say then
      local words = ending.say
      ending.say = nil
      local reply = histories.reply()
      self.history:adopt({ reply })
      return self:speak(words, reply:add(words))
   end
   if ending and ending.agent then
      return self:hand_over(ending.agent)
   end
   if not ending and self.turns >= self.max_turns then
      ending = { reason = "max_turns" }
   end
   if ending then
      self.over = true
      self.result, self.reason = ending.result, ending.reason
      return
   end
   if not self.waiting and not self.speaking and not self.deadlines.idle then
      self:at("idle", self.agent.idle)
   end
   self:shorten()
end

function Conversation:on_interrupted()
   local answer = self.answer
   if answer and answer.committed then
      answer:cut()
      self.answer = nil
   end
   if self.before then
      self.before:cut()
      self.before = nil
   end
   self:at("filler", nil)
   self:at("budget", nil)
end

-- --- deadlines -----------------------------------------------------------------------------------

local due = {}

function due.filler(self)
   local list = self.agent.fillers
   if list == nil or list == true then
      list = agents.phrases(self.language).fillers
   end
   if not list or #list == 0 or self.fillers >= FILLERS_MAX or self.saying > 0 then
      return
   end
   self.fillers = self.fillers + 1
   local words
   words, self.last_filler = self:phrase(list, self.last_filler)
   self:speak(words, nil, nil, true)
   -- A second one only when it takes really long.
   self:at("filler", 4)
end

function due.budget(self)
   local answer = self.answer
   if self.waiting then
      self.waiting = nil
      log.error("nothing was understood within the turn's budget")
      return self:not_understood()
   end
   if answer and answer.committed and not answer.running then
      answer:fail("timeout", ("no answer within %g s"):format(self.agent.budget))
      self:go_on()
   end
end

function due.keys(self)
   self:on_keys()
end

function due.idle(self)
   self.idles = self.idles + 1
   if self.idles > IDLE_MAX then
      self.ending = { reason = "idle" }
      return self:rest()
   end
   local list = self.agent.idle_prompts or agents.phrases(self.language).idle
   self:speak(list[(self.idles - 1) % #list + 1])
end

-- --- what the session tells ----------------------------------------------------------------------

local turn_events = {
   speech = function(self, barge)
      self.idles = 0
      if not barge then
         self.speaking = true
         self:at("idle", nil)
      end
   end,
   discard = Conversation.on_discard,
   commit = Conversation.on_commit,
   interrupted = Conversation.on_interrupted,
   digit = function(self, key)
      self.idles = 0
      self:at("idle", nil)
      if key == "#" and self.keys ~= "" then
         self:at("keys", 0)
      elseif #self.keys < 32 then
         self.keys = self.keys .. key
         self:at("keys", 2)
      end
   end,
}

-- --- other agents, long conversations ------------------------------------------------------------

function Conversation:use(agent)
   self.agent = agent
   self.language = self.language or agent.language or "en"
   core.set_shape(self.language) -- a language without word lists keeps those of the one before
   local of_language = agent.languages and agent.languages[self.language]
   self.voice = of_language and of_language.voice or agent.voice
end

function Conversation:greet()
   local words = self.agent.greeting
   if type(words) == "function" then
      words = words(self.call)
   end
   if type(words) == "string" and words:find("%S") then
      local reply = histories.reply()
      self.history:adopt({ reply })
      self:speak(words, reply:add(words))
   else
      self:at("idle", self.agent.idle)
   end
end

function Conversation:hand_over(name)
   local agent = agents.find(name, "voice.handoff", 1)
   self.ending = nil
   self.language = agent.language or self.language
   self:use(agent)
   self:greet()
end

-- --- the loop ------------------------------------------------------------------------------------

function Conversation:step()
   local name, at = earliest(self)
   local id, kind, a, b, c, d, e = core.wait(at and math.max(at - core.now(), 0))
   if id then
      local handler = self.handlers[id]
      if handler then
         handler(kind, a, b, c, d, e)
      end
   elseif name then
      self.deadlines[name] = nil
      local timeout = self.timeouts[name]
      self.timeouts[name] = nil
      if timeout then
         timeout()
      else
         due[name](self)
      end
   end
end

local function listen(self)
   local turns = self.ops:add(core.turns())
   self.handlers[turns] = function(kind, ...)
      local handler = turn_events[kind]
      if handler then
         handler(self, ...)
      end
   end
   local ear = self.ops:add(core.hear())
   self.handlers[ear] = function(kind, ...)
      if kind == "text" then
         self:on_text(...)
      end
   end
   core.detect_digits(true)
end

local options = { max_turns = "number", greet = "boolean" }

local converse = {}

--- Talks with the caller until a tool says that it is done. Returns its result; or nil and
--- "max_turns", "idle" or "failed".
function converse.converse(call, agent, opts)
   opts = check.options(opts, options, "call:converse", 2)
   local ops <close> = scope()
   local self = setmetatable({
      call = call,
      ops = ops,
      handlers = {},
      deadlines = {},
      timeouts = {}, -- what to do at deadlines that are no method here
      saying = 0,
      turns = 0,
      misses = 0,
      failures = 0,
      fillers = 0,
      idles = 0,
      keys = "",
   }, Conversation)
   self:use(agents.find(agent, "call:converse", 2))
   self.history = histories.new(self.agent.context)
   self.max_turns = opts.max_turns or self.agent.max_turns
   listen(self)
   if opts.greet ~= false then
      self:greet()
   end
   while not self.over do
      self:step()
   end
   return self.result, self.reason
end

return converse
