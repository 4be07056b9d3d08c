-- The tenant as scripts see it: voice.tenant, and call.tenant in a call.

local _, core = ...

return core.protect({ kv = require("voice.stored").kv }, "tenant")
