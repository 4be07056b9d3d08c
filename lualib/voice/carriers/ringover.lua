-- Ringover's REST API: voice.ringover. Docs: docs/reference/ringover.md.
--
--    local list = voice.ringover.contacts { search = "Ada" }
--    voice.ringover.sms { to = ev.from, text = "Sorry we missed you." }
--
-- Every function returns what Ringover answered, as a table ({} where there is nothing); or nil, a
-- code and a text. A request that has an effect is sent once and never again by itself.

local _, core = ...

local check = require("voice.check")
local http = require("voice.http")
local scope = require("voice.scope")

local ringover = {}

local SECRET = "RINGOVER_API_KEY"
local RATE, BURST = 2, 2 -- requests a second that one key may make
local WAIT_MAX = 20 -- seconds in the queue for one

-- --- numbers and ids -----------------------------------------------------------------------------

-- Digits of a telephone number as people and events write it: "+33 6 12", 33612.
local function digits(value)
   local text = math.type(value) == "integer" and tostring(value) or value
   if type(text) ~= "string" then
      return nil
   end
   text = text:gsub("[%s%.%-%(%)/]", ""):gsub("^%+", ""):gsub("^00", "")
   return text:match("^%d%d%d+$") and #text <= 15 and text or nil
end

local kinds = {}

function kinds.number(value)
   local text = digits(value)
   return text and math.tointeger(text), "a telephone number with its country code"
end

function kinds.sms_number(value)
   local text = digits(value)
   return text and "+" .. text, "a telephone number with its country code"
end

function kinds.id(value)
   local text = math.type(value) == "integer" and tostring(value) or value
   return type(text) == "string" and text:match("^%d+$") and #text <= 20 and text or nil, "an id"
end

function kinds.integer(value)
   return math.tointeger(value), "a whole number"
end

function kinds.text(value)
   return type(value) == "string" and value or nil, "a text"
end

function kinds.flag(value)
   if type(value) == "boolean" then
      return value
   end
   return nil, "true or false"
end

function kinds.texts(value)
   local list = type(value) == "table" and value or { value }
   for _, one in ipairs(list) do
      if type(one) ~= "string" then
         return nil, "a text, or a list of texts"
      end
   end
   return core.json_array({ table.unpack(list) })
end

function kinds.table(value)
   return type(value) == "table" and value or nil, "a table"
end

function kinds.numbers(value)
   if type(value) ~= "table" then
      return nil, "a list of { number, type }"
   end
   local list = {}
   for i, one in ipairs(value) do
      local number = type(one) == "table" and kinds.number(one.number)
      if not number then
         return nil, "a list of { number = ..., type = ... }"
      end
      list[i] = { number = number, type = one.type or "mobile" }
   end
   return core.json_array(list)
end

function kinds.contacts(value)
   if type(value) ~= "table" or #value == 0 or #value > 50 then
      return nil, "a list of 1 to 50 contacts"
   end
   local list = {}
   for i, one in ipairs(value) do
      local numbers, why = kinds.numbers(one.numbers or {})
      if not numbers then
         return nil, "contacts whose numbers are " .. why
      end
      local contact = { numbers = numbers, is_shared = one.is_shared ~= false }
      contact.firstname, contact.lastname = one.firstname, one.lastname
      contact.company = one.company
      list[i] = contact
   end
   return core.json_array(list)
end

-- --- errors --------------------------------------------------------------------------------------

local codes = {
   [304] = "unchanged",
   [400] = "invalid",
   [401] = "unauthorized",
   [402] = "no_credit",
   [403] = "forbidden",
   [404] = "not_found",
   [406] = "invalid",
   [409] = "invalid",
   [413] = "invalid",
   [415] = "invalid",
   [429] = "rate_limited",
}

-- {"error":"text"}, a bare text, or a page of a proxy.
local function message_of(answer)
   local json = answer.json
   if type(json) == "table" then
      json = json.error or json.message
   end
   if type(json) == "string" and json ~= "" then
      return json
   end
   local text = answer.body or ""
   return text ~= "" and #text < 200 and not text:find("<", 1, true) and text
      or ("Ringover answered " .. answer.status)
end

local function refusal(answer)
   local message = message_of(answer)
   local code = codes[answer.status] or answer.status >= 500 and "unavailable" or "failed"
   if code == "unauthorized" and message:find("^It is not your number") then
      code = "not_your_number"
   elseif code == "unauthorized" and message:find("^Read only") then
      code = "forbidden"
   end
   return nil, code, message
end

-- --- requests ------------------------------------------------------------------------------------

local function base_url()
   local settings = core.settings()
   return (settings.RINGOVER_API_BASE_URL or "https://public-api.ringover.com/v2"):gsub("/+$", "")
end

-- Waits for a token of the bucket that all calls share.
local function take_token()
   local ops <close> = scope()
   local id, code = core.limit("ringover", RATE, BURST, WAIT_MAX)
   if not id then
      return nil, code
   end
   ops:add(id)
   core.wait(nil, id)
   return true
end

local function send_once(request)
   local ok = take_token()
   if not ok then
      return nil, "busy", "too many requests to Ringover wait already"
   end
   return http.send(request)
end

-- May another try help, and can it do no harm?
local function may_retry(verb, answer, code)
   if verb ~= "GET" then
      return false
   end
   if answer then
      return answer.status == 429 or answer.status >= 500
   end
   return code == "timeout" or code == "connect" or code == "reset" or code == "failed"
end

local function request(verb, path, query, body)
   if not core.has_secret(SECRET) then
      return nil, "no_key", "RINGOVER_API_KEY is not set"
   end
   local asked = {
      method = verb,
      url = base_url() .. path,
      query = query,
      json = body,
      headers = { Authorization = "${" .. SECRET .. "}" },
      timeouts = { connect = "3s", first = "8s", total = "15s" },
      max_bytes = 4 * 1024 * 1024,
   }
   local answer, code, message = send_once(asked)
   if may_retry(verb, answer, code) then
      core.wait(0.5 + core.random() * 0.5, 0)
      answer, code, message = send_once(asked)
   end
   if not answer then
      return nil, code, message
   end
   if answer.status == 204 then
      return {}
   end
   if answer.status < 200 or answer.status > 299 then
      return refusal(answer)
   end
   if answer.body == "" then
      return {}
   end
   if answer.json == nil then
      return nil, "bad_answer", "Ringover's answer is not JSON"
   end
   return answer.json
end

-- --- the actions ---------------------------------------------------------------------------------

local PAGE = { limit_count = "integer", limit_offset = "integer" }

local function with_page(fields)
   for name, kind in pairs(PAGE) do
      fields[name] = kind
   end
   return fields
end

-- name -> verb, path ({...}: arguments in order, with their kinds), query and body (field -> kind),
-- what must be there, and `whole`: the body is one argument, not a table of fields.
local actions = {
   -- calls
   calls = {
      "GET",
      "/calls",
      query = with_page({
         start_date = "text",
         end_date = "text",
         call_type = "texts",
         last_id_returned = "id",
      }),
   },
   search_calls = {
      "POST",
      "/calls",
      body = with_page({
         filter = "text",
         start_date = "text",
         end_date = "text",
         call_type = "texts",
         advanced = "table",
         last_id_returned = "integer",
      }),
      safe = true,
   },
   call = { "GET", "/calls/{id}" },
   current_calls = {
      "POST",
      "/calls/current",
      body = with_page({
         direction = "text",
         status = "texts",
         interface = "texts",
         advanced = "table",
      }),
      safe = true,
   },
   surveys = { "GET", "/calls/{id}/surveys" },
   delete_call = { "DELETE", "/calls/{id}" },
   callback = {
      "POST",
      "/callback",
      body = {
         from_number = "number",
         to_number = "number",
         timeout = "integer",
         device = "text",
         clir = "flag",
      },
      needs = { "to_number" },
   },
   ivr_callback = {
      "POST",
      "/ivrs/{id}/callback",
      body = { from_number = "number", to_number = "number", timeout = "integer", clir = "flag" },
      needs = { "to_number" },
   },
   -- the legs of a running call
   hang_up = { "POST", "/channels/{id}/events/hangup" },
   transfer = {
      "POST",
      "/channels/{id}/events/transfer",
      body = { phone_number = "number" },
      needs = { "phone_number" },
   },
   dtmf = {
      "POST",
      "/channels/{id}/events/dtmf",
      body = { dtmf = "text" },
      needs = { "dtmf" },
   },
   toggle_mute = { "POST", "/channels/{id}/events/mute/toggle" },
   toggle_hold = { "POST", "/channels/{id}/events/hold/toggle" },
   toggle_record = { "POST", "/channels/{id}/events/record/toggle" },
   -- contacts
   contacts = { "GET", "/contacts", query = with_page({ search = "text" }) },
   contact = { "GET", "/contacts/{id}" },
   create_contacts = {
      "POST",
      "/contacts",
      body = { contacts = "contacts" },
      needs = { "contacts" },
   },
   update_contact = {
      "PUT",
      "/contacts/{id}",
      body = {
         firstname = "text",
         lastname = "text",
         company = "text",
         is_shared = "flag",
         numbers = "numbers",
      },
      needs = { "firstname", "lastname", "company", "is_shared" },
   },
   delete_contact = { "DELETE", "/contacts/{id}" },
   add_contact_numbers = { "POST", "/contacts/{id}/numbers", whole = "numbers" },
   delete_contact_number = { "DELETE", "/contacts/{id}/numbers/{number}" },
   -- the team
   teams = { "GET", "/teams" },
   users = { "GET", "/users" },
   user = { "GET", "/users/{id}" },
   presence = { "GET", "/users/{id}/presences" },
   plannings = { "GET", "/users/{id}/plannings" },
   presences = { "GET", "/presences" },
   groups = { "GET", "/groups" },
   group = { "GET", "/groups/{id}" },
   numbers = {
      "GET",
      "/numbers",
      query = {
         is_user = "flag",
         is_ivr = "flag",
         is_fax = "flag",
         is_conference = "flag",
         is_available = "flag",
      },
   },
   number = { "GET", "/numbers/{number}" },
   ivrs = { "GET", "/ivrs" },
   ivr = { "GET", "/ivrs/{id}" },
   ivr_scenarios = { "GET", "/ivrs/{id}/scenarios" },
   tags = { "GET", "/tags" },
   tag = { "GET", "/tags/{id}" },
   create_tag = {
      "POST",
      "/tags",
      body = { name = "text", color = "text", description = "text" },
      needs = { "name" },
   },
   -- blocked numbers
   blacklist = { "GET", "/blacklists/numbers", query = with_page({}) },
   blacklisted = { "GET", "/blacklists/numbers/{number}" },
   block = {
      "POST",
      "/blacklists/numbers",
      body = { number = "number", comment = "text", direction = "text" },
      needs = { "number" },
   },
   unblock = { "DELETE", "/blacklists/numbers/{number}" },
   -- messages
   conversations = { "GET", "/conversations", query = with_page({ filter = "texts" }) },
   conversation = { "GET", "/conversations/{id}" },
   conversation_members = { "GET", "/conversations/{id}/members" },
   messages = {
      "GET",
      "/conversations/{id}/messages",
      query = { limit_count = "integer", last_id_returned = "id", display_archived = "flag" },
   },
   push_sms = {
      "POST",
      "/push/sms",
      body = {
         from_number = "sms_number",
         to_number = "sms_number",
         content = "text",
         archived_auto = "flag",
         user_id_forced = "integer",
      },
      needs = { "from_number", "to_number", "content" },
   },
   -- transcripts
   transcriptions = { "GET", "/transcriptions", query = with_page({}) },
   transcription = { "GET", "/transcriptions/{id}" },
}

local function convert(what, name, kind, value)
   local converted, wanted = kinds[kind](value)
   if converted == nil then
      error(("%s: '%s' must be %s"):format(what, name, wanted), 0)
   end
   return converted
end

-- The fields of a query or a body, converted; nil when there are none.
local function fields_of(what, known, given)
   local out, any = {}, false
   for name, kind in pairs(known) do
      if given[name] ~= nil then
         out[name] = convert(what, name, kind, given[name])
         any = true
      end
   end
   return any and out or nil
end

local function names_of(action)
   local names = {}
   for name in pairs(action.query or action.body or {}) do
      names[name] = "any"
   end
   return names
end

-- Arguments of the path first, then a table of fields, or the whole body.
local function prepare(name, action, ...)
   local what = "voice.ringover." .. name
   local args, n = table.pack(...), 0
   local path = action[2]:gsub("{(%w+)}", function(kind)
      n = n + 1
      return tostring(convert(what, "argument " .. n, kind, args[n]))
   end)
   local given = args[n + 1]
   if action.whole then
      return path, nil, convert(what, "argument " .. n + 1, action.whole, given)
   end
   given = check.options(given, names_of(action), what, 0)
   for _, needed in ipairs(action.needs or {}) do
      if given[needed] == nil then
         error(("%s: '%s' is missing"):format(what, needed), 0)
      end
   end
   local body = action.body and (fields_of(what, action.body, given) or {})
   return path, action.query and fields_of(what, action.query, given), body
end

-- Does an action; a mistake in its arguments is raised with the line of the script that made it.
local function act(name, ...)
   local action = actions[name]
   local ok, path, query, body = pcall(prepare, name, action, ...)
   if not ok then
      error(tostring(path):gsub("^[%w_/%.%-]+:%d+: ", ""), 3)
   end
   return request(action[1], path, query, body)
end

for name in pairs(actions) do
   -- Not a tail call: the levels of `error` are counted from here.
   ringover[name] = function(...)
      local answer, code, message = act(name, ...)
      return answer, code, message
   end
end

-- --- shorter names for what scripts want most ----------------------------------------------------

--- Sends an SMS: { to, text, from = RINGOVER_DEFAULT_CALLER_ID }. Returns { message_id, conv_id }.
function ringover.sms(options)
   local o = check.options(
      options,
      { to = "any", from = "any", text = "string", archived_auto = "boolean", user_id = "any" },
      "voice.ringover.sms",
      2
   )
   local from = o.from or core.settings().RINGOVER_DEFAULT_CALLER_ID
   if not from then
      return nil, "no_from", "from which number? Set RINGOVER_DEFAULT_CALLER_ID, or give 'from'"
   end
   if not o.text or o.text == "" then
      error("voice.ringover.sms: 'text' is missing", 2)
   end
   local answer, code, message = act("push_sms", {
      from_number = from,
      to_number = o.to,
      content = o.text,
      archived_auto = o.archived_auto,
      user_id_forced = o.user_id,
   })
   return answer, code, message
end

--- Calls somebody: { to, from, timeout = 45, device = "ALL", hide = false }. Ringover rings the
--- user of `from` first, then `to`. Returns { call_id, channel_id }.
function ringover.dial(options)
   local o = check.options(
      options,
      { to = "any", from = "any", timeout = "number", device = "string", hide = "boolean" },
      "voice.ringover.dial",
      2
   )
   local answer, code, message = act("callback", {
      to_number = o.to,
      from_number = o.from or core.settings().RINGOVER_DEFAULT_CALLER_ID,
      timeout = o.timeout or 45,
      device = o.device or "ALL",
      clir = o.hide or false,
   })
   return answer, code, message
end

return ringover
