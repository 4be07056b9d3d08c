-- Faults: what goes wrong outside the script's control, raised as a table with a code.

local fault = {}

local messages = {
   busy = "too much is going on at once in this call",
   gone = "the call has ended",
   no_memory = "not enough memory",
   unsupported = "this connection cannot do that",
   not_found = "there is no such thing",
   failed = "a provider failed",
}

local Fault = {
   __name = "fault",
   __tostring = function(self)
      return self.message
   end,
}

--- A fault as a value.
function fault.new(code, message)
   code = code or "failed"
   return setmetatable({ code = code, message = message or messages[code] or code }, Fault)
end

function fault.raise(code, message)
   error(fault.new(code, message), 0)
end

return fault
