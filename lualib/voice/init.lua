-- The module that scripts require: local voice = require("voice")

local _, core = ...

local json = {
   --- The value of a JSON text, or nil and what is wrong with it.
   decode = core.json_decode,
   --- The JSON text of a value, keys sorted.
   encode = core.json_encode,
   --- Marks a table as an array, so that it is [] when empty.
   array = core.json_array,
   --- The null in an array.
   null = core.json_null,
}

local schema = require("voice.schema")
local stored = require("voice.stored")
local tool = require("voice.tool")

local voice = {
   agent = require("voice.agent").new,
   tool = tool.new,
   done = tool.done,
   handoff = tool.handoff,
   string = schema.string,
   number = schema.number,
   integer = schema.integer,
   boolean = schema.boolean,
   enum = schema.enum,
   array = schema.array,
   object = schema.object,
   optional = schema.optional,
   json = core.protect(json, "voice.json"),
   log = require("voice.log"),
   tenant = require("voice.tenant"),
   at = stored.at,
   cancel_at = stored.cancel_at,
   outbox = stored.outbox,
   grammar = require("voice.grammar").compile,
   http_events = function(request, on_event)
      return require("voice.http").events(request, on_event)
   end,
   ringover = core.protect(require("voice.carriers.ringover"), "voice.ringover"),
   http = function(request)
      return require("voice.http").send(request)
   end,
}

return core.protect(voice, "voice")
