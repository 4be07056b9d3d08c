-- voice.ringover: each action's exact request, and what becomes of every kind of answer.

local sim = require("sim")

local function run(code, http, wait)
   local caller = sim.call({
      source = ([[
         local voice = require("voice")
         local r = voice.ringover
         return { on_call = function(call)
            local ok, answer, code, message = pcall(function()
               local a, b, c = %s
               return a, b, c
            end)
            if not ok then call.vars.raised = tostring(answer) end
            call.vars.answer = ok and answer or nil
            call.vars.code, call.vars.message = code, message
         end }
      ]]):format(code),
      settings = {
         RINGOVER_API_KEY = "key-of-the-spec",
         RINGOVER_DEFAULT_CALLER_ID = "+33744332211",
      },
      http = http,
   })
   caller:is_silent(wait or 3)
   return caller:record().vars, caller
end

-- { Lua, verb, path and query, body }
local requests = {
   { "r.calls()", "GET", "/calls" },
   {
      'r.calls{ call_type = { "MISSED", "OUT" }, limit_count = 5 }',
      "GET",
      "/calls?call_type=MISSED&call_type=OUT&limit_count=5",
   },
   { 'r.call("10345678901234567890")', "GET", "/calls/10345678901234567890" },
   { 'r.search_calls{ filter = "ALL" }', "POST", "/calls", { filter = "ALL" } },
   { 'r.current_calls{ direction = "IN" }', "POST", "/calls/current", { direction = "IN" } },
   { "r.surveys(5)", "GET", "/calls/5/surveys" },
   { "r.delete_call(5)", "DELETE", "/calls/5" },
   {
      'r.dial{ to = "+33 6 12 34 56 78" }',
      "POST",
      "/callback",
      {
         to_number = 33612345678,
         from_number = 33744332211,
         timeout = 45,
         device = "ALL",
         clir = false,
      },
   },
   { "r.hang_up(77)", "POST", "/channels/77/events/hangup" },
   {
      'r.transfer(77, { phone_number = "+33184800010" })',
      "POST",
      "/channels/77/events/transfer",
      { phone_number = 33184800010 },
   },
   { 'r.dtmf(77, { dtmf = "12#" })', "POST", "/channels/77/events/dtmf", { dtmf = "12#" } },
   { "r.toggle_mute(77)", "POST", "/channels/77/events/mute/toggle" },
   { "r.toggle_hold(77)", "POST", "/channels/77/events/hold/toggle" },
   { "r.toggle_record(77)", "POST", "/channels/77/events/record/toggle" },
   { 'r.contacts{ search = "Ada M" }', "GET", "/contacts?search=Ada%20M" },
   { "r.contact(9)", "GET", "/contacts/9" },
   {
      [[r.create_contacts{ contacts = { { firstname = "Ada",
         numbers = { { number = "+33612345678" } } } } }]],
      "POST",
      "/contacts",
      {
         contacts = {
            {
               firstname = "Ada",
               is_shared = true,
               numbers = { { number = 33612345678, type = "mobile" } },
            },
         },
      },
   },
   { "r.delete_contact(9)", "DELETE", "/contacts/9" },
   {
      'r.add_contact_numbers(9, { { number = 33612345678, type = "office" } })',
      "POST",
      "/contacts/9/numbers",
      { { number = 33612345678, type = "office" } },
   },
   { "r.teams()", "GET", "/teams" },
   { "r.users()", "GET", "/users" },
   { "r.presence(12)", "GET", "/users/12/presences" },
   { "r.plannings(12)", "GET", "/users/12/plannings" },
   { "r.presences()", "GET", "/presences" },
   { "r.group(3)", "GET", "/groups/3" },
   { "r.numbers{ is_ivr = true }", "GET", "/numbers?is_ivr=true" },
   { 'r.number("+33184800000")', "GET", "/numbers/33184800000" },
   { "r.ivr_scenarios(4)", "GET", "/ivrs/4/scenarios" },
   { 'r.create_tag{ name = "lead" }', "POST", "/tags", { name = "lead" } },
   { "r.blacklist()", "GET", "/blacklists/numbers" },
   {
      'r.block{ number = "+33612345678", comment = "spam" }',
      "POST",
      "/blacklists/numbers",
      { number = 33612345678, comment = "spam" },
   },
   { 'r.unblock("33612345678")', "DELETE", "/blacklists/numbers/33612345678" },
   { "r.messages(8, { limit_count = 2 })", "GET", "/conversations/8/messages?limit_count=2" },
   {
      'r.sms{ to = "0033612345678", text = "Hello" }',
      "POST",
      "/push/sms",
      { from_number = "+33744332211", to_number = "+33612345678", content = "Hello" },
   },
   { "r.transcription(5)", "GET", "/transcriptions/5" },
}

describe("voice.ringover", function()
   for _, case in ipairs(requests) do
      it("sends " .. case[1], function()
         local seen = {}
         local vars = run(case[1], function(request)
            seen[#seen + 1] = request
            return { json = { ok = true } }
         end)
         assert.is_nil(vars.raised)
         assert.equal(1, #seen)
         assert.equal(case[2], seen[1].method)
         assert.equal("https://public-api.ringover.com/v2" .. case[3], seen[1].url)
         assert.equal("${RINGOVER_API_KEY}", seen[1].headers.authorization)
         assert.same(case[4], seen[1].json)
         assert.is_true(vars.answer.ok)
      end)
   end

   it("gives an empty list where there is nothing", function()
      local vars = run("r.contacts()", function()
         return { status = 204 }
      end)
      assert.same({}, vars.answer)
   end)

   local refusals = {
      { 400, { json = { error = "bad" } }, "invalid", "bad" },
      { 401, { json = { error = "Invalid user" } }, "unauthorized", "Invalid user" },
      { 401, { json = "It is not your number" }, "not_your_number", "It is not your number" },
      { 402, { body = "" }, "no_credit", "Ringover answered 402" },
      { 404, { body = "404 page not found" }, "not_found", "404 page not found" },
      { 429, { body = "" }, "rate_limited", "Ringover answered 429" },
      { 502, { body = "<html>Bad Gateway</html>" }, "unavailable", "Ringover answered 502" },
   }
   for _, case in ipairs(refusals) do
      it(("tells %d %s apart"):format(case[1], case[3]), function()
         local count = 0
         local vars = run('r.sms{ to = "+33612345678", text = "x" }', function()
            count = count + 1
            local answer = { status = case[1] }
            for name, value in pairs(case[2]) do
               answer[name] = value
            end
            return answer
         end)
         assert.is_nil(vars.answer)
         assert.equal(case[3], vars.code)
         assert.equal(case[4], vars.message)
         assert.equal(1, count, "what has an effect is never sent twice")
      end)
   end

   it("asks once more where that does no harm", function()
      local count = 0
      local vars = run("r.users()", function()
         count = count + 1
         return count == 1 and { status = 503 } or { json = { list_count = 0 } }
      end, 5)
      assert.equal(2, count)
      assert.equal(0, vars.answer.list_count)
   end)

   it("sends two requests a second at the most, however many calls there are", function()
      local times = {}
      local vars, caller = run(
         "(function() for i = 1, 7 do r.users() end return { done = true } end)()",
         function()
            times[#times + 1] = #times
            return { json = {}, after = 0 }
         end,
         1.2
      )
      assert.is_nil(vars and vars.answer)
      assert.is_true(#times >= 4 and #times <= 5, "after 1.2 s: " .. #times)
      caller:is_silent(3)
      assert.equal(7, #times)
   end)

   local mistakes = {
      { 'r.sms{ to = "hello", text = "x" }', "'to_number' must be a telephone number" },
      { 'r.sms{ to = "+33612345678" }', "'text' is missing" },
      { 'r.call("abc")', "argument 1' must be an id" },
      { "r.block{}", "'number' is missing" },
      { "r.calls{ limit = 5 }", "unknown option 'limit'" },
      { 'r.call("../users")', "argument 1' must be an id" },
   }
   for _, case in ipairs(mistakes) do
      it("raises for " .. case[1], function()
         local vars = run(case[1], function()
            return { json = {} }
         end)
         assert.is_truthy((vars.raised or ""):find(case[2], 1, true), vars.raised)
         assert.matches("^main.lua:5:", vars.raised)
      end)
   end

   it("says when there is no key", function()
      local caller = sim.call({
         source = [[
            local voice = require("voice")
            return { on_call = function(call)
               local answer, code = voice.ringover.users()
               call.vars.code = code
            end } ]],
      })
      caller:is_silent(1)
      assert.equal("no_key", caller:record().vars.code)
   end)
end)
