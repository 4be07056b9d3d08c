local sim = require("sim")

-- A script that sends one request when a call comes and keeps what came of it in call.vars.
local function run(request, options)
   options = options or {}
   options.source = ([[
      local voice = require("voice")
      return {
         on_call = function(call)
            local answer, code, message = voice.http(%s)
            call.vars.answer, call.vars.code, call.vars.message = answer, code, message
            call:sleep("60s")
         end,
      }
   ]]):format(request)
   local caller = sim.call(options)
   caller:is_silent(options.wait or 1)
   caller:hangs_up()
   return caller:record().vars, caller
end

local function answering(answer)
   return {
      http = function()
         return answer
      end,
   }
end

describe("voice.http", function()
   it("sends JSON and gives back what came", function()
      local seen
      local vars = run(
         [[{ url = "https://crm.example.com/v1/callers", headers = { ["X-Token"] = "t" },
             query = { page = 2, q = "a b&c", tag = { "x", "y" } }, json = { name = "Ana" } }]],
         {
            http = function(request)
               seen = request
               return { status = 201, headers = { ["X-Id"] = "7" }, json = { id = 7 } }
            end,
         }
      )
      assert.equal("POST", seen.method)
      assert.equal("https://crm.example.com/v1/callers?page=2&q=a%20b%26c&tag=x&tag=y", seen.url)
      assert.equal("t", seen.headers["x-token"])
      assert.equal("application/json", seen.headers["content-type"])
      assert.same({ name = "Ana" }, seen.json)
      assert.equal(201, vars.answer.status)
      assert.equal("7", vars.answer.headers["x-id"])
      assert.same({ id = 7 }, vars.answer.json)
      assert.equal('{"id":7}', vars.answer.body)
   end)

   it("sends forms, texts and parts", function()
      local seen
      local function keep(request)
         seen = request
         return "ok"
      end
      run([[{ url = "https://a.example/", form = { b = "2", a = "1+1" } }]], { http = keep })
      assert.equal("a=1%2B1&b=2", seen.body)
      assert.equal("application/x-www-form-urlencoded", seen.headers["content-type"])
      run([[{ url = "https://a.example/", method = "PUT", body = "plain" }]], { http = keep })
      assert.equal("PUT", seen.method)
      assert.equal("plain", seen.body)
      run(
         [[{ url = "https://a.example/", multipart = { { name = "model", data = "whisper-1" },
             { name = "file", filename = "a.txt", type = "text/plain", data = "x" } } }]],
         { http = keep }
      )
      assert.equal("whisper-1", seen.parts.model.data)
      assert.equal("a.txt", seen.parts.file.filename)
   end)

   it("gives every status as an answer", function()
      for _, status in ipairs({ 200, 302, 404, 429, 503 }) do
         local vars = run(
            [[{ url = "https://a.example/" }]],
            answering({ status = status, body = "words", headers = { ["Retry-After"] = "3" } })
         )
         assert.equal(status, vars.answer.status)
         assert.equal("words", vars.answer.body)
         assert.equal("3", vars.answer.headers["retry-after"])
      end
   end)

   local clocks = {
      { [[connect = "200ms"]], { connect = 0.3 }, "no connection in time" },
      { [[first = "200ms"]], { after = 0.3, body = "x" }, "no byte of an answer in time" },
      { [[first = "200ms"]], { stall = true }, "no byte of an answer in time" },
      {
         [[progress = "200ms"]],
         { chunks = { "a", "b", "c" }, gap = 0.3 },
         "the answer stopped coming",
      },
      {
         [[total = "500ms", progress = "200ms"]],
         { chunks = { "a", "b", "c", "d", "e", "f" }, gap = 0.15 },
         "not finished in time",
      },
   }
   for _, case in ipairs(clocks) do
      it("keeps the clock " .. case[1], function()
         local vars = run(
            ([[{ url = "https://a.example/", timeouts = { %s } }]]):format(case[1]),
            answering(case[2])
         )
         assert.is_nil(vars.answer)
         assert.equal("timeout", vars.code)
         assert.equal(case[3], vars.message)
      end)
   end

   it("does not take a slow stream for a silent one", function()
      local vars = run(
         [[{ url = "https://a.example/", timeouts = { first = "200ms", progress = "200ms" } }]],
         answering({ chunks = { "a", "b", "c", "d" }, gap = 0.15 })
      )
      assert.equal("abcd", vars.answer.body)
   end)

   it("tells a lost connection and a body that is too big", function()
      local lost = run([[{ url = "https://a.example/" }]], answering({ body = "x", error = "io" }))
      assert.equal("io", lost.code)
      local big = run(
         [[{ url = "https://a.example/", max_bytes = 1000 }]],
         answering({ chunks = { ("x"):rep(600), ("x"):rep(600) } })
      )
      assert.equal("too_big", big.code)
   end)

   it("reaches only the places that the settings allow", function()
      local function try(url, settings)
         local options = answering("ok")
         options.settings = settings
         return run(('{ url = "%s" }'):format(url), options)
      end
      local settings = {
         VE_HTTP_ALLOW = "crm.example.com, *.shop.example.com",
         OPENAI_BASE_URL = "http://127.0.0.1:8000/v1",
         DEEPGRAM_API_KEY = "0123456789",
      }
      for _, url in ipairs({
         "https://crm.example.com/x",
         "https://de.shop.example.com/",
         "http://127.0.0.1:8000/v1/models",
         "https://api.deepgram.com/v1/listen",
      }) do
         assert.equal(200, try(url, settings).answer.status, url)
      end
      for _, url in ipairs({
         "http://crm.example.com/",
         "https://crm.example.com:444/",
         "https://shop.example.com/",
         "https://crm.example.com.evil.example/",
         "http://127.0.0.1:8001/",
         "https://api.openai.com/v1/models",
      }) do
         local vars = try(url, settings)
         assert.equal("not_allowed", vars.code, url)
         assert.truthy(vars.message:find("VE_HTTP_ALLOW", 1, true))
      end
      for _, url in ipairs({
         "https://u:p@crm.example.com/",
         "ftp://crm.example.com/",
         "https:// a/",
      }) do
         assert.equal("invalid", try(url, settings).code, url)
      end
   end)

   it("is cancelled by a hang-up without a trace", function()
      local caller = sim.call({
         source = [[
            local voice = require("voice")
            return { on_call = function(call)
               voice.http({ url = "https://a.example/" })
               call.vars.after = true
            end }
         ]],
         http = function()
            return { stall = true }
         end,
      })
      caller:is_silent(1)
      caller:hangs_up()
      caller:is_silent(60)
      assert.is_nil(caller:record().vars.after)
      assert.is_nil(caller:log():find("script_error", 1, true))
   end)

   it("works in handlers without a call", function()
      local seen = 0
      local caller = sim.call({
         connect = false,
         source = [[
            local voice = require("voice")
            return { on_missed_call = function(event)
               voice.http({ url = "https://a.example/missed", json = { from = event.from } })
            end }
         ]],
         http = function()
            seen = seen + 1
            return "ok"
         end,
      })
      caller:event("missed")
      caller:is_silent(1)
      assert.equal(1, seen)
   end)

   local misuse = {
      { [["https://a.example/"]], "a table is expected" },
      { [[{ uri = "https://a.example/" }]], "unknown option 'uri'" },
      { [[{}]], "url is missing" },
      { [[{ url = "https://a.example/", json = {}, body = "x" }]], "only one of" },
      { [[{ url = "https://a.example/", timeouts = { connct = 1 } }]], "unknown time 'connct'" },
      { [[{ url = "https://a.example/", timeouts = { first = "soon" } }]], "a duration is" },
      { [[{ url = "https://a.example/", max_bytes = 1e9 }]], "max_bytes" },
      { [[{ url = "https://a.example/", headers = { "x" } }]], "headers is a table" },
   }
   for _, case in ipairs(misuse) do
      it("raises on " .. case[1], function()
         local _, caller = run(case[1], answering("ok"))
         local log = caller:log()
         assert.truthy(log:find(case[2], 1, true), log)
         assert.truthy(log:find("main.lua:4:", 1, true), log)
      end)
   end
end)
