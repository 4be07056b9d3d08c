-- Long conversations: what does not fit into the model's context any more is summed up.

local _, core = ...

-- The older half of a long conversation is summed up by the model, beside everything else.
local function shorten(self)
   if self.summing then
      return
   end
   local text = self.history:overflow()
   if not text then
      return
   end
   local words = {}
   self.history.summary = text:sub(-2000) -- until the summary is there
   local stream = require("voice.model").start({
      system = "Sum up this telephone conversation in at most 120 words. Keep names, numbers, "
         .. "dates, what was agreed and what is still open.",
      messages = core.json_array({ { role = "user", content = text } }),
      model = self.agent.model,
      max_tokens = 300,
   })
   if not stream then
      return
   end
   self.summing = true
   self.ops:add(stream.id)
   self.handlers[stream.id] = function(kind, ...)
      for _, delta in ipairs(stream:take(kind, ...)) do
         words[#words + 1] = delta.text
         if delta.done and #words > 0 then
            self.history.summary = table.concat(words)
         end
         if delta.done or delta.error then
            self.summing = false
            self.handlers[stream.id] = nil
            core.cancel(stream.id)
            return
         end
      end
   end
end

return shorten
