local sim = require("sim")

-- A script that reads one stream when a call comes; `each` runs for every event.
local function run(answer, options)
   options = options or {}
   local caller = sim.call({
      source = ([[
         local voice = require("voice")
         return {
            on_call = function(call)
               local events = {}
               local answer, code, message = voice.http_events({
                  url = "https://a.example/", format = %q,
                  timeouts = { first = "1s", progress = "1s" },
               }, function(event)
                  events[#events + 1] = event.name .. "=" .. event.data
                  %s
               end)
               call.vars.events = voice.json.array(events)
               call.vars.status, call.vars.body = answer and answer.status, answer and answer.body
               call.vars.code, call.vars.message = code, message
               call:sleep("60s")
            end,
         }
      ]]):format(options.format or "sse", options.each or ""),
      http = function()
         return answer
      end,
   })
   caller:is_silent(options.wait or 5)
   caller:hangs_up()
   return caller:record().vars
end

local function joined(vars)
   return table.concat(vars.events or {}, " ")
end

describe("voice.http_events", function()
   it("gives events in order, whatever pieces they come in", function()
      local vars = run({
         headers = { ["Content-Type"] = "text/event-stream; charset=utf-8" },
         chunks = { "data: a\n\nev", "ent: tool\r\nda", "ta: b\r\n\r\n: noise\n\ndata: last" },
      })
      assert.equal("message=a tool=b message=last", joined(vars))
      assert.equal(200, vars.status)
   end)

   it("gives lines", function()
      local vars = run({
         headers = { ["Content-Type"] = "application/x-ndjson" },
         chunks = { '{"a":1}\n{"b"', ':2}\r\n\n{"c":3}' },
      }, { format = "lines" })
      assert.equal('line={"a":1} line={"b":2} line={"c":3}', joined(vars))
   end)

   it("loses nothing while the script is slow", function()
      local events = {}
      for i = 1, 3000 do
         events[i] = ("%04d"):format(i) .. ("x"):rep(60)
      end
      local vars = run({ events = events, gap = 0 }, {
         each = [[
            if #events % 500 == 0 then call:sleep("300ms") end
            if #events > 5 then events[#events] = event.data:sub(1, 4) end
         ]],
         wait = 20,
      })
      assert.equal(3000, #vars.events)
      assert.equal("0006", vars.events[6])
      assert.equal("3000", vars.events[3000])
      assert.equal(200, vars.status)
   end)

   it("takes a refusal's words and plain JSON for a body", function()
      local refused = run({ status = 429, json = { error = "slow down" } })
      assert.equal(429, refused.status)
      assert.equal('{"error":"slow down"}', refused.body)
      local plain = run({ json = { text = "hello" } })
      assert.equal('{"text":"hello"}', plain.body)
      assert.equal("", joined(plain))
   end)

   it("refuses a web page", function()
      local vars = run({ headers = { ["Content-Type"] = "text/html" }, body = "<html>" })
      assert.equal("bad_format", vars.code)
      assert.equal("the answer is no stream of events", vars.message)
   end)

   it("does not take comments for events", function()
      local pings = {}
      for i = 1, 20 do
         pings[i] = ": still here\n\n"
      end
      local head = { ["Content-Type"] = "text/event-stream" }
      local vars = run({ headers = head, chunks = pings, gap = 0.2 })
      assert.equal("timeout", vars.code)
      assert.equal("no byte of an answer in time", vars.message)
      table.insert(pings, 1, "data: first\n\n")
      vars = run({ headers = head, chunks = pings, gap = 0.2 })
      assert.equal("message=first", joined(vars))
      assert.equal("the answer stopped coming", vars.message)
   end)

   it("tells a stream that breaks off", function()
      local vars = run({ events = { "a", "b" }, error = "io" })
      assert.equal("message=a message=b", joined(vars))
      assert.equal("io", vars.code)
   end)

   it("refuses an event without end", function()
      local vars = run({
         headers = { ["Content-Type"] = "text/event-stream" },
         chunks = { "data: " .. ("x"):rep(700000), ("x"):rep(700000) },
      })
      assert.equal("too_big", vars.code)
   end)
end)
