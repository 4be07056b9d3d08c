-- Types of tool parameters: what a model is told (JSON Schema) and what its answer is held against.
--
--    voice.enum { "sales", "billing" }      voice.string { description = "the caller's name" }
--    voice.integer { min = 1, max = 20 }    voice.optional(voice.boolean())
--    voice.array(voice.string())    voice.object { day = voice.string(), hour = voice.number() }

local _, core = ...

local schema = {}

local Type = { __name = "voice type", __metatable = false }
Type.__index = Type

local MARK = {} -- a key that no script has, so that a plain table is not taken for a type

local function new(fields)
   fields[MARK] = true
   return setmetatable(fields, Type)
end

function schema.is_type(value)
   return type(value) == "table" and rawget(value, MARK) == true
end

local function options_of(options, name)
   if options ~= nil and type(options) ~= "table" then
      error(("voice.%s: a table of options is expected"):format(name), 3)
   end
   return options or {}
end

function schema.string(options)
   options = options_of(options, "string")
   return new({
      kind = "string",
      description = options.description,
      min = options.min,
      max = options.max,
      pattern = options.pattern,
   })
end

local function number(kind)
   return function(options)
      options = options_of(options, kind)
      return new({
         kind = kind,
         description = options.description,
         min = options.min,
         max = options.max,
      })
   end
end

schema.number = number("number")
schema.integer = number("integer")

function schema.boolean(options)
   options = options_of(options, "boolean")
   return new({ kind = "boolean", description = options.description })
end

function schema.enum(values, options)
   if type(values) ~= "table" or #values == 0 then
      error("voice.enum: a list of values is expected", 2)
   end
   options = options_of(options, "enum")
   return new({
      kind = "enum",
      values = values,
      description = options.description or values.description,
   })
end

function schema.array(of, options)
   if not schema.is_type(of) then
      error("voice.array: the type of its elements is expected", 2)
   end
   options = options_of(options, "array")
   return new({
      kind = "array",
      of = of,
      description = options.description,
      min = options.min,
      max = options.max,
   })
end

function schema.object(fields, options)
   for name, of in pairs(fields) do
      if type(name) ~= "string" or not schema.is_type(of) then
         error(
            ("voice.object: '%s' needs a type, for example voice.string()"):format(tostring(name)),
            2
         )
      end
   end
   options = options_of(options, "object")
   return new({ kind = "object", fields = fields, description = options.description })
end

--- The value may be absent.
function schema.optional(of)
   if not schema.is_type(of) then
      error("voice.optional: a type is expected", 2)
   end
   return new({ kind = "optional", of = of })
end

local function sorted_keys(t)
   local keys = {}
   for key in pairs(t) do
      keys[#keys + 1] = key
   end
   table.sort(keys)
   return keys
end

--- The JSON Schema of a type, as a table.
function schema.describe(of)
   local kind = of.kind
   if kind == "optional" then
      return schema.describe(of.of)
   end
   local out = { type = kind, description = of.description }
   if kind == "enum" then
      out.type, out.enum = "string", core.json_array({ table.unpack(of.values) })
   elseif kind == "string" then
      out.minLength, out.maxLength = of.min, of.max
   elseif kind == "number" or kind == "integer" then
      out.minimum, out.maximum = of.min, of.max
   elseif kind == "array" then
      out.items, out.minItems, out.maxItems = schema.describe(of.of), of.min, of.max
   elseif kind == "object" then
      out.properties, out.additionalProperties = {}, false
      local required = {}
      for _, name in ipairs(sorted_keys(of.fields)) do
         out.properties[name] = schema.describe(of.fields[name])
         if of.fields[name].kind ~= "optional" then
            required[#required + 1] = name
         end
      end
      out.required = core.json_array(required)
   end
   return out
end

local check

local checks = {}

function checks.string(of, value)
   if type(value) ~= "string" then
      return nil, "must be text"
   end
   if of.min and #value < of.min then
      return nil, ("must have at least %d characters"):format(of.min)
   end
   if of.max and #value > of.max then
      return nil, ("must have at most %d characters"):format(of.max)
   end
   if of.pattern and not value:find(of.pattern) then
      return nil, "has not the expected form"
   end
   return value
end

function checks.number(of, value)
   value = type(value) == "string" and tonumber(value) or value
   if type(value) ~= "number" then
      return nil, "must be a number"
   end
   if of.min and value < of.min or of.max and value > of.max then
      return nil, ("must be between %s and %s"):format(of.min or "any", of.max or "any")
   end
   return value
end

function checks.integer(of, value)
   local whole = math.tointeger(tonumber(value))
   if not whole then
      return nil, "must be a whole number"
   end
   return checks.number(of, whole)
end

function checks.boolean(_, value)
   if value == "true" or value == "false" then
      return value == "true"
   end
   if type(value) ~= "boolean" then
      return nil, "must be true or false"
   end
   return value
end

function checks.enum(of, value)
   for _, allowed in ipairs(of.values) do
      if value == allowed then
         return value
      end
   end
   return nil, "must be one of " .. table.concat(of.values, ", ")
end

function checks.array(of, value)
   if type(value) ~= "table" then
      return nil, "must be a list"
   end
   if of.min and #value < of.min or of.max and #value > of.max then
      return nil, "has too few or too many elements"
   end
   local out = {}
   for i, element in ipairs(value) do
      local ok, why, path = check(of.of, element, ("[%d]"):format(i))
      if why then
         return nil, why, path
      end
      out[i] = ok
   end
   return core.json_array(out)
end

function checks.object(of, value)
   if type(value) ~= "table" then
      return nil, "must be an object"
   end
   for _, name in ipairs(sorted_keys(value)) do
      if not of.fields[name] then
         return nil, "is not known", "." .. tostring(name)
      end
   end
   local out = {}
   for _, name in ipairs(sorted_keys(of.fields)) do
      local ok, why, path = check(of.fields[name], value[name], "." .. name)
      if why then
         return nil, why, path
      end
      out[name] = ok
   end
   return out
end

function checks.optional(of, value)
   if value == nil or value == core.json_null then
      return nil
   end
   return check(of.of, value, "")
end

function check(of, value, path)
   if value == nil and of.kind ~= "optional" then
      return nil, "is missing", path
   end
   local ok, why, below = checks[of.kind](of, value)
   return ok, why, why and path .. (below or "")
end

--- The value as the type wants it ("3" becomes 3), or nil and a sentence that a model can act on.
function schema.check(of, value)
   local ok, why, path = check(of, value, "")
   if why then
      local name = path:gsub("^%.", "")
      return nil, (name ~= "" and ("'%s' %s"):format(name, why) or why)
   end
   return ok
end

return schema
