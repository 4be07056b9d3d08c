-- Asking the caller: by voice, by keys, or whichever comes first.

local _, core = ...

local duration = require("voice.duration")
local fault = require("voice.fault")
local grammar = require("voice.grammar")
local scope = require("voice.scope")

local gather = {}

local listen_options = { grammar = true, timeout = true }
local gather_options = {
   prompt = true,
   grammar = true,
   digits = true,
   timeout = true,
   tries = true,
   reprompt = true,
   voice = true,
   interruptible = true,
}
local digit_options = { min = true, max = true, terminator = true, timeout = true }

local function check(opts, known, method)
   if type(opts) ~= "table" then
      error(("call:%s: a table of options is expected"):format(method), 3)
   end
   for key in pairs(opts) do
      if not known[key] then
         error(("call:%s: unknown option '%s'"):format(method, tostring(key)), 3)
      end
   end
end

-- { min, max, terminator, timeout } of the `digits` option: a number is the exact count.
local function digit_rule(digits)
   if digits == nil then
      return nil
   end
   if type(digits) == "number" then
      digits = { min = digits, max = digits }
   end
   check(digits, digit_options, "gather digits")
   local rule = {
      min = digits.min or 1,
      max = digits.max or 20,
      terminator = digits.terminator or "#",
      timeout = duration(digits.timeout, "digits.timeout") or 3,
   }
   if
      math.type(rule.min) ~= "integer"
      or math.type(rule.max) ~= "integer"
      or rule.min < 1
      or rule.max < rule.min
      or rule.max > 64
   then
      error("call:gather: digits need 1 <= min <= max <= 64", 3)
   end
   return rule
end

-- One question: everything that can happen while it is asked and answered.
local Question = {}
Question.__index = Question

local function ask(ops, opts)
   local question = setmetatable({
      opts = opts,
      ops = ops,
      digits = "",
      turns = ops:add(core.turns()),
      ear = opts.grammar and ops:add(core.listen(opts.grammar)),
   }, Question)
   if opts.prompt then
      question.say =
         ops:add(core.say(opts.prompt, { voice = opts.voice, fixed = opts.interruptible == false }))
   else
      question.deadline = core.now() + opts.timeout
   end
   return question
end

-- The agent has finished, so now it is the caller's time that counts.
function Question:done(how, _, _, code)
   if how == "failed" then
      fault.raise("failed", "the voice failed: " .. code)
   end
   self.say = nil
   if not self.speaking and self.digits == "" then
      self.deadline = core.now() + self.opts.timeout
   end
end

function Question:speech(barge)
   self.speaking = true
   -- A cough over the prompt is taken back without a word; then the end of the prompt counts.
   if not barge then
      self.deadline = nil
   end
end

function Question:interrupted()
   self.speaking = true
   self.deadline = nil
end

function Question:commit()
   self.speaking = false
   if self.ear then
      self.deadline = core.now() + 5 -- for the recogniser
   elseif self.digits == "" then
      self.deadline = core.now() + self.opts.timeout
   end
end

function Question:match(text, intent, confidence)
   core.heard(text)
   return { text = text, intent = intent, confidence = confidence }
end

function Question:no_match(_, _, _, reason)
   core.heard(nil)
   return nil, reason == "silence" and "timeout" or "no_match"
end

function Question:failed(code, message)
   fault.raise(code, "the recogniser failed: " .. tostring(message))
end

function Question:answer_digits()
   core.heard(self.digits)
   return { digits = self.digits, text = self.digits }
end

function Question:digit(key)
   local rule = self.opts.digits
   if not rule then
      return
   end
   if self.say then
      core.cancel(self.say)
      self.say = nil
   end
   if key == rule.terminator then
      if #self.digits >= rule.min then
         return self:answer_digits()
      end
      self.digits = ""
      return nil, "no_match"
   end
   self.digits = self.digits .. key
   if #self.digits >= rule.max then
      return self:answer_digits()
   end
   self.deadline = core.now() + rule.timeout
end

function Question:timeout()
   local rule = self.opts.digits
   if rule and self.digits ~= "" then
      if #self.digits >= rule.min then
         return self:answer_digits()
      end
      return nil, "no_match"
   end
   return nil, "timeout"
end

-- Hands what happens to the method of that name until one has an answer, or a reason for none.
function Question:run()
   while true do
      local left = self.deadline and math.max(self.deadline - core.now(), 0)
      local ids = { self.turns }
      ids[#ids + 1] = self.ear
      ids[#ids + 1] = self.say
      local event = table.pack(core.wait(left, table.unpack(ids)))
      local kind = event[2]
      local handler = self[kind]
      if handler then
         local answer, reason = handler(self, table.unpack(event, 3, event.n))
         if answer or reason then
            return answer, reason
         end
      end
   end
end

local function ask_once(opts)
   local ops <close> = scope()
   if opts.digits then
      core.detect_digits(true)
   end
   return ask(ops, opts):run()
end

--- Listens for one answer. Returns { text, intent, confidence } or nil and "timeout" or "no_match".
function gather.listen(_, opts)
   check(opts, listen_options, "listen")
   if not opts.grammar then
      error("call:listen: a grammar is needed, for example { yes = { 'yes' }, no = { 'no' } }", 2)
   end
   return ask_once({
      grammar = grammar.compile(opts.grammar),
      timeout = duration(opts.timeout, "timeout") or 8,
   })
end

--- Asks, and asks again when the answer is not understood. Returns { text, intent, confidence } or
--- { digits }, or nil and "timeout" or "no_match" after the last try.
function gather.gather(_, opts)
   check(opts, gather_options, "gather")
   if not opts.grammar and not opts.digits then
      error("call:gather: a grammar or digits are needed", 2)
   end
   local question = {
      prompt = opts.prompt,
      voice = opts.voice,
      interruptible = opts.interruptible,
      grammar = opts.grammar and grammar.compile(opts.grammar),
      digits = digit_rule(opts.digits),
      timeout = duration(opts.timeout, "timeout") or 8,
   }
   local answer, reason
   for try = 1, opts.tries or 3 do
      if try > 1 then
         question.prompt = opts.reprompt or opts.prompt
         if type(question.prompt) == "function" then
            question.prompt = question.prompt(try, reason)
         end
      end
      answer, reason = ask_once(question)
      if answer then
         return answer
      end
   end
   return nil, reason
end

return gather
