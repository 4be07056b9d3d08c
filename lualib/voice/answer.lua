-- One attempt at the agent's answer to a turn: the model's stream on one side, pieces to speak and
-- tools to run on the other. It speaks and runs nothing itself: the conversation does, once the
-- attempt is committed.

local history = require("voice.history")
local model = require("voice.model")
local sentences = require("voice.sentences")

local Answer = {}
Answer.__index = Answer
Answer.__metatable = false

-- Rounds of tools that one answer may take; a model that never stops calling is stopped.
local ROUNDS_MAX = 8
-- Calls of tools in one round.
local CALLS_MAX = 16

local answer = {}

--- An attempt at answering `text`. `turn` and `take` as the engine counts them, nil for what was
--- not spoken (keys, a late result).
function answer.new(turn, take, text)
   return setmetatable({
      turn = turn,
      take = take,
      text = text,
      committed = false,
      messages = { { role = "user", content = text } },
      ready = {}, -- pieces to be spoken
      round = 0,
   }, Answer)
end

--- Asks the model. `ask` has everything but the messages of this turn.
function Answer:start(ask, language)
   self.round = self.round + 1
   self.written = false
   self.finish = nil
   self.fault = nil
   self.cutter = sentences.new({ language = language, first_clause = self.round == 1 })
   self.reply = history.reply()
   self.messages[#self.messages + 1] = self.reply
   if self.round > ROUNDS_MAX then
      ask.tools = nil
   end
   local code, why
   self.stream, code, why = model.start(ask)
   if not self.stream then
      self:fail(code, why)
   end
end

function Answer:fail(code, message)
   self.fault = { code = code or "failed", message = message or "the model failed" }
   self:stop()
end

--- No more of it is wanted.
function Answer:stop()
   if self.stream then
      self.stream:cancel()
      self.stream = nil
   end
   self.written = true
end

local function add_call(self, part)
   local index = (math.tointeger(part.index) or 0) + 1
   local calls = self.reply.calls
   if index < 1 or index > CALLS_MAX or index > #calls + 1 then
      return
   end
   local call = calls[index]
   if not call then
      call = { id = part.id or ("call_%d_%d"):format(self.round, index), name = "", arguments = "" }
      calls[index] = call
   end
   if type(part.name) == "string" and call.name == "" then
      call.name = part.name
   end
   if type(part.arguments) == "string" then
      call.arguments = call.arguments .. part.arguments
   end
end

local function add_pieces(self, pieces)
   for _, piece in ipairs(pieces) do
      self.ready[#self.ready + 1] = self.reply:add(piece)
   end
end

--- What the model's stream has to say; true once it has said all.
function Answer:take_message(kind, ...)
   for _, delta in ipairs(self.stream:take(kind, ...)) do
      if delta.text then
         add_pieces(self, self.cutter:push(delta.text))
      elseif delta.tool then
         add_call(self, delta.tool)
      elseif delta.error then
         self:fail(delta.error.code, delta.error.message)
         return true
      elseif delta.usage then
         self.usage = delta.usage
      elseif delta.finish then
         self.finish = delta.finish
      elseif delta.done then
         add_pieces(self, self.cutter:finish())
         self.stream = nil
         self.written = true
         return true
      end
   end
   return false
end

--- Calls of tools of this round.
function Answer:calls()
   return self.reply.calls
end

--- Did it bring anything at all?
function Answer:is_empty()
   return #self.reply.pieces == 0 and #self.reply.calls == 0
end

--- The caller interrupted, or something better came: what was not spoken never will be.
function Answer:cut()
   self:stop()
   self.ready = {}
   self.is_cut = true
   for _, message in ipairs(self.messages) do
      if message.role == "assistant" then
         message.cut = true
      end
   end
end

return answer
