-- What a handler returns to a question of the carrier, as the documented answer: an HTTP status and
-- JSON. What is not understood is refused with words that name the field; the carrier then gets the
-- default, and the log says why. docs/reference/answers.md describes the tables.

local _, core = ...

local answers = {}

local function complain(format, ...)
   error(format:format(...), 0)
end

local function is_text(value)
   return type(value) == "string" and #value <= 4096
end

local function is_flag(value)
   return type(value) == "boolean"
end

local function whole(least, most)
   return function(value)
      return math.type(value) == "integer" and value >= least and value <= most
   end
end

local function one_of(...)
   local set = {}
   for _, word in ipairs({ ... }) do
      set[word] = true
   end
   return function(value)
      return set[value] ~= nil
   end
end

-- A telephone number as the carrier wants it: digits, as an integer.
local function number(value, field)
   local text = math.type(value) == "integer" and tostring(value) or value
   local digits = type(text) == "string" and text:gsub("[ %.%-%(%)]", ""):match("^%+?(%d+)$")
   if not digits or #digits < 3 or #digits > 15 then
      complain("%s: %s is no telephone number", field, tostring(value))
   end
   return math.tointeger(tonumber(digits))
end

-- Fields of a table, each { check, words, default }; a default of nil leaves the field out.
local function fill(value, fields, where)
   if type(value) ~= "table" then
      complain("%s: a table is expected, not a %s", where, type(value))
   end
   local filled = {}
   for name in pairs(value) do
      if not fields[name] then
         complain("%s: unknown field '%s'", where, tostring(name))
      end
   end
   for name, field in pairs(fields) do
      local given = value[name]
      if given == nil then
         given = field[3]
      elseif field[1] and not field[1](given) then
         complain("%s.%s must be %s, not %s", where, name, field[2], tostring(given))
      end
      filled[name] = given
   end
   return filled
end

local function array_of(value, where, most)
   if type(value) ~= "table" or (next(value) ~= nil and value[1] == nil) then
      complain("%s must be an array", where)
   end
   if #value > most then
      complain("%s: at most %d", where, most)
   end
   return value
end

-- --- smart routing -------------------------------------------------------------------------------

local agent_fields = {
   number = { nil },
   user_id = { whole(1, 4294967295), "a user's id" },
   email = { is_text, "a text" },
   internal = { is_flag, "true or false" },
   ring_duration = { whole(0, 500), "seconds from 0 to 500", 25 },
   ring_delay = { whole(0, 500), "seconds from 0 to 500", 0 },
   order = { whole(0, 1000), "a whole number from 0" },
   is_pre_answer = { is_flag, "true or false" },
   is_caller_id = { is_flag, "true or false" },
   is_head_line = { is_flag, "true or false" },
}

local route_fields = {
   name = { is_text, "a text", "voiceengine" },
   dispatch = {
      one_of("random", "topdown", "ringall", "history"),
      "random, topdown, ringall or history",
      "ringall",
   },
   max_attempts = { whole(0, 10), "a whole number from 0 to 10", 1 },
   start_delay = { whole(0, 120), "seconds from 0 to 120", 0 },
   is_stay_not_connected = { is_flag, "true or false", true },
   is_stay_in_call = { is_flag, "true or false", false },
   is_stay_planned_snoozed = { is_flag, "true or false", true },
   is_stay_snoozed = { is_flag, "true or false", false },
   ring_overlap = { whole(0, 1), "0 or 1", 0 },
   agents = { nil },
}

local function external_options(agent)
   agent.is_pre_answer = agent.is_pre_answer == true
   agent.is_caller_id = agent.is_caller_id ~= false
   agent.is_head_line = agent.is_head_line == true
end

local function agent_of(value, index)
   local where = ("agents[%d]"):format(index)
   if type(value) ~= "table" then
      value = { number = value }
   end
   local agent = fill(value, agent_fields, where)
   local internal = agent.internal
   agent.internal = nil
   agent.order = agent.order or index
   if agent.user_id then
      agent.agent_type = "agent_internal_identified_by_userid"
   elseif agent.email then
      agent.agent_type = "agent_internal_identified_by_email"
   elseif agent.number and internal then
      agent.agent_type = "agent_internal_identified_by_number"
   elseif agent.number then
      agent.agent_type = "agent_external"
      external_options(agent)
   else
      complain("%s needs a number, a user_id or an email", where)
   end
   agent.number = agent.number and number(agent.number, where .. ".number")
   return agent
end

function answers.routing(value)
   if value == nil or value == false then
      return 204, ""
   end
   if type(value) ~= "table" then
      value = { agents = { value } }
   end
   local route = fill(value, route_fields, "on_routing")
   local agents = {}
   for i, agent in ipairs(array_of(route.agents or {}, "on_routing: agents", 100)) do
      agents[i] = agent_of(agent, i)
   end
   if #agents == 0 then
      complain("on_routing: agents is empty; return nil for no opinion")
   end
   route.agents = agents
   return 200, core.json_encode(route)
end

-- --- contacts ------------------------------------------------------------------------------------

-- The card of a call: texts to texts.
local function card_of(data)
   if data == nil then
      return nil
   end
   if type(data) ~= "table" then
      complain("on_contact.data must be a table of texts")
   end
   local card = {}
   for key, value in pairs(data) do
      local kind = type(value)
      if type(key) ~= "string" or (kind ~= "string" and kind ~= "number" and kind ~= "boolean") then
         complain("on_contact.data must be a table of texts; see '%s'", tostring(key))
      end
      card[key] = tostring(value)
   end
   return card
end

local contact_fields = {
   uuid = { is_text, "a text" },
   firstname = { is_text, "a text" },
   lastname = { is_text, "a text" },
   company = { is_text, "a text" },
   url = { is_text, "a text" },
   data = { nil },
   is_shared = { is_flag, "true or false" },
}

function answers.contact(value)
   if value == nil or value == false then
      return 204, ""
   end
   local contact = fill(value, contact_fields, "on_contact")
   contact.data = card_of(contact.data)
   return 200, core.json_encode(contact)
end

local found_fields = {
   firstname = { is_text, "a text" },
   lastname = { is_text, "a text" },
   company = { is_text, "a text" },
   url = { is_text, "a text" },
   numbers = { nil },
}

local number_fields = {
   number = { nil },
   type = {
      one_of("home", "office", "mobile", "fax", "other"),
      "home, office, mobile, fax or other",
      "other",
   },
}

local function found(value, index)
   local where = ("on_contact_search[%d]"):format(index)
   local contact = fill(value, found_fields, where)
   local numbers = {}
   for i, entry in ipairs(array_of(contact.numbers or {}, where .. ".numbers", 20)) do
      if type(entry) ~= "table" then
         entry = { number = entry }
      end
      entry = fill(entry, number_fields, where .. ".numbers")
      entry.number = number(entry.number, where .. ".numbers")
      numbers[i] = entry
   end
   contact.numbers = core.json_array(numbers)
   return contact
end

function answers.contact_search(value)
   if value == nil or value == false then
      return 204, ""
   end
   local list = {}
   for i, contact in ipairs(array_of(value, "on_contact_search", 100)) do
      list[i] = found(contact, i)
   end
   return 200, core.json_encode(core.json_array(list))
end

-- --- codes ---------------------------------------------------------------------------------------

function answers.ivr_code(value)
   if value == nil then
      return 200, "{}"
   end
   if not whole(200, 599)(value) then
      complain("on_ivr_code must return an HTTP status from 200 to 599, not %s", tostring(value))
   end
   return value, "{}"
end

return answers
