-- What scripts keep beyond a handler: voice.tenant.kv, voice.at, voice.outbox and its sinks.

local sim = require("sim")

-- A world without a call: a missed call runs `body`, with `voice`, `kv` and the event at hand.
local function world(body, more)
   local caller = sim.call({
      connect = false,
      source = ([[
         local voice = require("voice")
         local kv = voice.tenant.kv
         return {
            %s
            on_missed_call = function(ev) %s end,
         }
      ]]):format(more or "", body),
   })
   return caller
end

local function run(body, more, seconds)
   local caller = world(body, more)
   caller:event("missed")
   caller:is_silent(seconds or 1)
   return caller
end

describe("voice.tenant.kv", function()
   it("keeps values as they were, for every handler", function()
      local caller = run([[
         if kv.get("seen") then
            local list = kv.get("list")
            print("again", kv.get("seen"), #list, list[2].n, tostring(kv.get("flag")))
         else
            print("first", select(2, kv.get("seen")))
            kv.set("list", { 1, { n = 9007199254740993 } })
            kv.set("flag", false)
            kv.set("seen", "yes \0 and ü")
         end
      ]])
      caller:event("missed")
      caller:is_silent(1)
      assert.equal(1, caller:logged("first%s+not_found"))
      assert.equal(1, caller:logged("again%s+yes .- and ü%s+2%s+9007199254740993%s+false"))
   end)

   it("counts, and forgets with the time of the first count", function()
      local caller = run([[
         print("count", kv.incr("calls", 1, { ttl = "10s" }))
      ]])
      for _ = 1, 2 do
         caller:is_silent(3)
         caller:event("missed")
      end
      caller:is_silent(5)
      caller:event("missed")
      caller:is_silent(1)
      assert.equal(2, caller:logged("count 1 "))
      assert.equal(1, caller:logged("count 3 "))
      assert.equal(0, caller:logged("count 4 "))
   end)

   it("says what is not there and what makes no sense", function()
      local caller = run([[
         print("gone", kv.delete("a"))
         kv.set("a", "text")
         print("kept", kv.delete("a"))
         for _, wrong in ipairs {
            function() kv.set("a", nil) end,
            function() kv.set("", 1) end,
            function() kv.set(("k"):rep(257), 1) end,
            function() kv.set("a", ("x"):rep(70000)) end,
            function() kv.set("a", print) end,
            function() kv.set("a", 1, { tll = 3 }) end,
            function() kv.incr("a", 1.5) end,
            function() kv.x = 1 end,
         } do
            local ok, why = pcall(wrong)
            print("refused", ok, why)
         end
         kv.set("a", "text")
         print("no number", pcall(kv.incr, "a"))
      ]])
      assert.equal(1, caller:logged("gone%s+nil%s+not_found"))
      assert.equal(1, caller:logged("kept%s+true"))
      assert.equal(8, caller:logged("refused%s+false"))
      assert.equal(1, caller:logged("unknown option 'tll'"))
      assert.equal(1, caller:logged("no number%s+false"))
   end)
end)

describe("voice.at", function()
   it("runs a handler later, with its data, once", function()
      local caller = run(
         [[ voice.at("2h", "on_event", { from = ev.from }) ]],
         [[ on_event = function(data) print("later", data.from) end, ]]
      )
      caller:is_silent(7000)
      assert.equal(0, caller:logged("later"))
      caller:is_silent(300)
      assert.equal(1, caller:logged("later%s+%+33612345678"))
      caller:is_silent(7200)
      assert.equal(1, caller:logged("later"))
   end)

   it("keeps the first of two with one key, and withdraws it", function()
      local caller = run(
         [[
            print("planned", voice.at("10s", "on_event", 1, "k"))
            print("planned", voice.at("5s", "on_event", 2, "k"))
            print("planned", voice.at("20s", "on_event", 3, "other"))
            print("withdrawn", voice.cancel_at("other"))
            print("withdrawn", voice.cancel_at("other"))
         ]],
         [[ on_event = function(n) print("ran", n) end, ]],
         60
      )
      assert.equal(2, caller:logged("planned%s+true"))
      assert.equal(1, caller:logged("planned%s+nil%s+exists"))
      assert.equal(1, caller:logged("withdrawn%s+true"))
      assert.equal(1, caller:logged("withdrawn%s+nil%s+not_found"))
      assert.equal(1, caller:logged("ran"))
      assert.equal(1, caller:logged("ran%s+1"))
   end)

   it("refuses a handler that is not there", function()
      local caller = run([[ print(pcall(voice.at, "1s", "on_nothing")) ]])
      assert.equal(1, caller:logged("the script has no handler 'on_nothing'"))
   end)

   it("a handler that raises is over, and what it planned before is there", function()
      local caller = run(
         [[ voice.at("1s", "on_event", "boom") ]],
         [[ on_event = function(data)
            if data == "boom" then
               voice.at("1s", "on_event", "after")
               error("as planned")
            end
            print("ran", data)
         end, ]],
         20
      )
      assert.equal(1, caller:logged("as planned"))
      assert.equal(1, caller:logged("ran%s+after"))
   end)
end)

describe("voice.outbox", function()
   local put = [[ print("put", voice.outbox.put("desk", { n = 1 }, OPTIONS)) ]]

   local function send(options, sink, seconds)
      return run(
         (put:gsub("OPTIONS", options)),
         ("sinks = { desk = function(payload, effect) %s end },"):format(sink),
         seconds
      )
   end

   it("has a sink carry out an effect once", function()
      local caller = send("nil", [[ print("got", payload.n, effect.attempt, effect.key) ]], 30)
      assert.equal(1, caller:logged("put%s+%d+"))
      assert.equal(1, caller:logged("got%s+1%s+1%s+nil"))
      assert.equal(1, caller:logged("got"))
   end)

   it("tries again with the same key, later each time, until it is done", function()
      local caller = send(
         "{ keyed = true }",
         [[
            print("got", effect.attempt, effect.key)
            if effect.attempt == 2 then error("the sink broke") end
            if effect.attempt < 4 then return "retry", "not yet" end
         ]],
         60
      )
      assert.equal(4, caller:logged("got%s+%d%s+ve%-"))
      local key = caller:log():match("(ve%-%x+%-%d+)")
      assert.equal(4, caller:logged("got%s+%d%s+" .. (key:gsub("%-", "%%-"))))
      assert.equal(0, caller:logged("then=dead"))
   end)

   it("never repeats an attempt whose outcome nobody knows", function()
      local caller = send("nil", [[ print("got"); error("the line broke") ]], 600)
      assert.equal(1, caller:logged("got"))
      assert.equal(1, caller:logged("effect_failed.*then=unknown"))
   end)

   it("gives up after eight attempts", function()
      local caller = send("nil", [[ print("got"); return "retry", "full", "5s" ]], 3600)
      assert.equal(8, caller:logged("got"))
      assert.equal(1, caller:logged("then=dead"))
   end)

   it("a sink that is not there, or says nonsense, is told", function()
      local caller = run([[ voice.outbox.put("nowhere", {}) ]], nil, 5)
      assert.equal(1, caller:logged("has no sink 'nowhere'"))
      caller = send("nil", [[ return "perhaps" ]], 5)
      assert.equal(1, caller:logged("'perhaps' is no outcome"))
   end)

   it("news from outside settles what nobody knew about", function()
      local caller = run(
         [[
            if not kv.get("once") then
               kv.set("once", true)
               voice.outbox.put("desk", {}, { match = "m1" })
            else
               print("settled", voice.outbox.confirm("m1"))
            end
         ]],
         [[ sinks = { desk = function() return "unknown", "no answer" end }, ]]
      )
      for _ = 1, 2 do
         caller:event("missed")
         caller:is_silent(1)
      end
      assert.equal(1, caller:logged("settled%s+%d+"))
      assert.equal(1, caller:logged("settled%s+nil%s+not_found"))
   end)

   it("may be delayed", function()
      local caller = send("{ delay = '1h' }", [[ print("got") ]], 3500)
      assert.equal(0, caller:logged("got"))
      caller:is_silent(200)
      assert.equal(1, caller:logged("got"))
   end)
end)
