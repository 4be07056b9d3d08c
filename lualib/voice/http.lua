-- HTTP for scripts: voice.http{ url = ..., json = ... } -> { status, headers, body, json } or nil,
-- code, message. docs/reference/http.md is its reference.

local _, core = ...

local duration = require("voice.duration")
local scope = require("voice.scope")

local http = {}

local known = {
   method = "string",
   url = "string",
   headers = "table",
   query = "table",
   json = "any",
   form = "table",
   body = "string",
   multipart = "table",
   timeouts = "table",
   max_bytes = "number",
   redirects = "number",
   format = "string",
}
local bodies = { "json", "form", "body", "multipart" }
local clocks = { connect = true, first = true, progress = true, total = true }

local function names_of(set)
   local names = {}
   for name in pairs(set) do
      names[#names + 1] = name
   end
   table.sort(names)
   return table.concat(names, ", ")
end

local function encode(text)
   return (
      tostring(text):gsub("[^%w%-%._~]", function(char)
         return ("%%%02X"):format(char:byte())
      end)
   )
end

local function add_pair(out, name, value)
   local kind = type(value)
   if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
      error(("voice.http: the value of '%s' must be a text or a number"):format(name), 0)
   end
   out[#out + 1] = encode(name) .. "=" .. encode(value)
end

--- name=value pairs, names sorted; a list of values gives its name several times.
function http.pairs(values)
   local names, out = {}, {}
   for name in pairs(values) do
      if type(name) ~= "string" then
         error("voice.http: query and form are tables of names and values", 0)
      end
      names[#names + 1] = name
   end
   table.sort(names)
   for _, name in ipairs(names) do
      local value = values[name]
      for _, one in ipairs(type(value) == "table" and value or { value }) do
         add_pair(out, name, one)
      end
   end
   return table.concat(out, "&")
end

local function with_query(url, query)
   if not query or next(query) == nil then
      return url
   end
   local front, fragment = url:match("^([^#]*)(.*)$")
   local sign = front:find("?", 1, true) and "&" or "?"
   return front .. sign .. http.pairs(query) .. fragment
end

local function has_header(list, name)
   for i = 1, #list, 2 do
      if list[i]:lower() == name then
         return true
      end
   end
   return false
end

local function header_list(headers)
   local names, list = {}, {}
   for name, value in pairs(headers or {}) do
      if type(name) ~= "string" or (type(value) ~= "string" and type(value) ~= "number") then
         error("voice.http: headers is a table of names and texts", 0)
      end
      names[#names + 1] = name
   end
   table.sort(names)
   for _, name in ipairs(names) do
      list[#list + 1] = name
      list[#list + 1] = tostring(headers[name])
   end
   return list
end

local function part_of(part)
   if type(part) ~= "table" or type(part.name) ~= "string" then
      error("voice.http: a part of multipart is { name = ..., data = ... }", 0)
   end
   local data = part.data
   if type(data) == "number" then
      data = tostring(data)
   end
   if type(data) ~= "string" and not part.audio then
      error(("voice.http: the part '%s' needs data"):format(part.name), 0)
   end
   return {
      name = part.name,
      data = data,
      audio = part.audio,
      filename = part.filename,
      type = part.type,
   }
end

local function add_body(out, request)
   local count = 0
   for _, name in ipairs(bodies) do
      count = count + (request[name] ~= nil and 1 or 0)
   end
   if count > 1 then
      error("voice.http: only one of json, form, body and multipart", 0)
   end
   local kind
   if request.json ~= nil then
      out.body, kind = core.json_encode(request.json), "application/json"
   elseif request.form then
      out.body, kind = http.pairs(request.form), "application/x-www-form-urlencoded"
   elseif request.multipart then
      out.parts = {}
      for i, part in ipairs(request.multipart) do
         out.parts[i] = part_of(part)
      end
   else
      out.body = request.body
   end
   if kind and not has_header(out.headers, "content-type") then
      table.insert(out.headers, "Content-Type")
      table.insert(out.headers, kind)
   end
end

local function check(request)
   if type(request) ~= "table" then
      error("voice.http: a table is expected: voice.http{ url = ... }", 0)
   end
   for name, value in pairs(request) do
      local kind = known[name]
      if not kind then
         error(
            ("voice.http: unknown option '%s'; the options are %s"):format(
               tostring(name),
               names_of(known)
            ),
            0
         )
      end
      if kind ~= "any" and type(value) ~= kind then
         error(("voice.http: %s must be a %s"):format(name, kind), 0)
      end
   end
   if not request.url then
      error("voice.http: url is missing", 0)
   end
end

--- What the engine's primitives take, from what scripts write.
function http.prepare(request)
   check(request)
   local out = {
      method = request.method,
      url = with_query(request.url, request.query),
      headers = header_list(request.headers),
      max_bytes = request.max_bytes,
      redirects = request.redirects,
      format = request.format,
   }
   for name, time in pairs(request.timeouts or {}) do
      if not clocks[name] then
         error(
            ("voice.http: unknown time '%s'; the times are %s"):format(
               tostring(name),
               names_of(clocks)
            ),
            0
         )
      end
      out[name] = duration(time, "timeouts." .. name)
   end
   add_body(out, request)
   return out
end

--- Header lines as a table with names in lower case; a name that comes twice is joined by ", ".
function http.headers(head)
   local headers = {}
   for name, value in head:gmatch("([%w!#$%%&'*+%-.^_`|~]+):[ \t]*([^\r\n]*)") do
      name = name:lower()
      value = value:gsub("[ \t]+$", "")
      headers[name] = headers[name] and headers[name] .. ", " .. value or value
   end
   return headers
end

--- The answer as scripts see it.
function http.response(status, head, body)
   local response = { status = status, headers = http.headers(head), body = body }
   local kind = response.headers["content-type"] or ""
   if kind:find("json", 1, true) then
      response.json = core.json_decode(body)
   end
   return response
end

--- Sends a request and waits for the whole answer.
function http.send(request)
   local ok, prepared = pcall(http.prepare, request)
   if not ok then
      error(prepared, 2)
   end
   local ops <close> = scope()
   local id, code, message = core.http(prepared)
   if not id then
      return nil, code, message
   end
   ops:add(id)
   local _, kind, a, b, c = core.wait(nil, id)
   if kind == "failed" then
      return nil, a, b
   end
   return http.response(a, b, c)
end

--- Sends a request whose answer is a stream and calls `on_event` with { name, data, id } for every
--- event, in order; then returns as `send` does. `on_event` may wait: the server waits too.
function http.events(request, on_event)
   if type(on_event) ~= "function" then
      error("voice.http_events: a function for the events is expected", 2)
   end
   local ok, prepared = pcall(http.prepare, request)
   if not ok then
      error(prepared, 2)
   end
   local ops <close> = scope()
   local id, code, message = core.http_stream(prepared)
   if not id then
      return nil, code, message
   end
   ops:add(id)
   while true do
      local _, kind, a, b, c = core.wait(nil, id)
      if kind == "event" then
         on_event({ name = a, data = b, id = c })
      elseif kind == "failed" then
         return nil, a, b
      else
         return http.response(a, b, c)
      end
   end
end

return http
