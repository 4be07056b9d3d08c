-- The network of a simulated world: what a spec's function returns for a request, in the shape that
-- the engine plays. docs/reference/http.md says what an answer may hold.

local _, core = ...

local sim_net = {}

local known = {
   status = true,
   headers = true,
   body = true,
   json = true,
   chunks = true,
   events = true,
   after = true,
   gap = true,
   connect = true,
   error = true,
   stall = true,
}

local function check(answer)
   for name in pairs(answer) do
      if not known[name] then
         error(("sim.http: an answer has no field '%s'"):format(tostring(name)), 0)
      end
   end
end

-- One event of a stream as it stands on the wire.
local function event_text(event)
   if type(event) == "string" then
      return "data: " .. event .. "\n\n"
   end
   local name = event.event and "event: " .. event.event .. "\n" or ""
   local data = event.data or event.json and core.json_encode(event.json) or ""
   return name .. "data: " .. data:gsub("\n", "\ndata: ") .. "\n\n"
end

-- Texts, or { after = seconds, text }, as pieces; the first comes after `first`, the others `gap`
-- behind each other.
local function add_pieces(pieces, list, first, gap, text_of)
   for i, item in ipairs(list) do
      local after = type(item) == "table" and item.after or (i == 1 and first or gap)
      local text = item
      if type(item) == "table" and item[1] then
         text = item[1]
      end
      pieces[#pieces + 1] = { after = after, text = text_of(text) }
   end
end

local function same(text)
   return text
end

local function kind_of(answer)
   if answer.json ~= nil then
      return "application/json"
   end
   return answer.events and "text/event-stream" or nil
end

local function head_of(answer)
   local lines, has_type = {}, false
   for name, value in pairs(answer.headers or {}) do
      has_type = has_type or name:lower() == "content-type"
      lines[#lines + 1] = name .. ": " .. tostring(value)
   end
   table.sort(lines)
   local kind = kind_of(answer)
   if kind and not has_type then
      lines[#lines + 1] = "Content-Type: " .. kind
   end
   return table.concat(lines, "\r\n") .. "\r\n"
end

--- What the engine plays for an answer of a spec: a text, or a table.
function sim_net.answer(answer)
   if type(answer) == "string" then
      answer = { body = answer }
   end
   check(answer)
   local pieces = {}
   local first, gap = answer.after or 0.05, answer.gap or 0.02
   local body = answer.json ~= nil and core.json_encode(answer.json) or answer.body
   if body and body ~= "" then
      pieces[1] = { after = first, text = body }
   end
   add_pieces(pieces, answer.chunks or {}, first, gap, same)
   add_pieces(pieces, answer.events or {}, first, gap, event_text)
   if #pieces == 0 and not answer.stall then
      pieces[1] = { after = first, text = "" }
   end
   return {
      status = answer.status,
      head = head_of(answer),
      error = answer.error,
      silent = answer.stall,
      wait = answer.connect,
      pieces = pieces,
   }
end

--- A request as specs see it; secrets are still their handles.
function sim_net.request(raw)
   local request = { method = raw.method, url = raw.url, headers = {}, body = raw.body }
   for i = 1, #raw.headers, 2 do
      request.headers[raw.headers[i]:lower()] = raw.headers[i + 1]
   end
   if (request.headers["content-type"] or ""):find("json", 1, true) then
      request.json = core.json_decode(raw.body)
   end
   request.parts = {}
   for _, part in ipairs(raw.parts) do
      request.parts[#request.parts + 1] = part
      request.parts[part.name] = part
   end
   return request
end

return sim_net
