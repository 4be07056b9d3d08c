-- What a conversation has come to: turns of messages, as a model is given them. What the agent said
-- stands here as the words that were heard; `Reply` is such a message while it is being spoken.

local _, core = ...

local history = {}

local Reply = {}
Reply.__index = Reply
Reply.__metatable = false

--- A message of the agent: pieces that are spoken one after the other, and calls of tools.
function history.reply()
   return setmetatable({ role = "assistant", pieces = {}, calls = {} }, Reply)
end

--- A piece about to be spoken; its `heard` is set when it is over.
function Reply:add(text)
   local piece = { text = text }
   self.pieces[#self.pieces + 1] = piece
   return piece
end

--- The words that were heard, or are still being spoken.
function Reply:content()
   local words = {}
   for _, piece in ipairs(self.pieces) do
      local text = piece.heard or not self.cut and piece.text or ""
      if text ~= "" then
         words[#words + 1] = text
      end
   end
   return table.concat(words, " ")
end

--- Has the caller heard any of it?
function Reply:is_empty()
   return #self.calls == 0 and self:content() == ""
end

local History = {}
History.__index = History
History.__metatable = false

--- At most about `limit` tokens (of four bytes) are kept.
function history.new(limit)
   return setmetatable({ turns = {}, limit = limit, summary = nil }, History)
end

--- Takes a turn: a list of messages, which may still grow.
function History:adopt(messages)
   self.turns[#self.turns + 1] = messages
end

local RUNNING = '{"status":"running"}'

local function write_reply(reply, out)
   if reply:is_empty() then
      return
   end
   local calls
   for i, call in ipairs(reply.calls) do
      calls = calls or {}
      calls[i] = { id = call.id, name = call.name, arguments = call.arguments }
   end
   out[#out + 1] = {
      role = "assistant",
      content = reply:content(),
      tool_calls = calls and core.json_array(calls),
   }
   -- A model must be told something of every call it made.
   for _, call in ipairs(reply.calls) do
      out[#out + 1] = {
         role = "tool",
         tool_call_id = call.id,
         name = call.name,
         content = call.answer or RUNNING,
      }
   end
end

local function write(messages, out)
   for _, message in ipairs(messages) do
      if message.role == "assistant" then
         write_reply(message, out)
      else
         out[#out + 1] = { role = message.role, content = message.content }
      end
   end
end

--- All of it and `turn`, as plain messages { role, content, tool_calls, tool_call_id }.
function History:messages(turn)
   local out = {}
   if self.summary then
      out[1] =
         { role = "user", content = "[What was said before, in short: " .. self.summary .. "]" }
   end
   for _, messages in ipairs(self.turns) do
      write(messages, out)
   end
   if turn then
      write(turn, out)
   end
   return out
end

local function size_of(messages)
   local out, bytes = {}, 0
   write(messages, out)
   for _, message in ipairs(out) do
      bytes = bytes + #message.content + 16
      for _, call in ipairs(message.tool_calls or {}) do
         bytes = bytes + #(call.arguments or "") + #call.name
      end
   end
   return bytes // 4
end

--- About how many tokens all of it takes.
function History:tokens()
   local total = self.summary and #self.summary // 4 or 0
   for _, messages in ipairs(self.turns) do
      total = total + size_of(messages)
   end
   return total
end

--- Over the limit: takes out the older half and returns it as text, to be summed up; nil otherwise.
--- The latest two turns always stay.
function History:overflow()
   local total = self:tokens()
   if total <= self.limit or #self.turns <= 2 then
      return nil
   end
   local lines = { self.summary }
   while #self.turns > 2 and total > self.limit // 2 do
      local turn = table.remove(self.turns, 1)
      total = total - size_of(turn)
      local out = {}
      write(turn, out)
      for _, message in ipairs(out) do
         if message.content ~= "" then
            lines[#lines + 1] = message.role .. ": " .. message.content
         end
      end
   end
   return table.concat(lines, "\n")
end

return history
