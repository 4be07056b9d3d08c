-- Operations that end with a block: `local ops <close> = scope()`, then `ops:add(id)`.

local _, core = ...

local Scope = {}
Scope.__index = Scope

--- Keeps an operation; `id, code` as the primitives return them. Raises when there is none.
function Scope:add(id, code)
   if not id then
      require("voice.fault").raise(code)
   end
   self[#self + 1] = id
   return id
end

function Scope:cancel(id)
   if id then
      core.cancel(id)
   end
end

function Scope:__close()
   if core.may_act() then
      for i = 1, #self do
         core.cancel(self[i])
      end
   end
end

return function()
   return setmetatable({}, Scope)
end
