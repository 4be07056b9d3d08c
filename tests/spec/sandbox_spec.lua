-- What a script cannot reach.

local sim = require("sim")

-- What the expression gives inside a script, as a text.
local function inside(expression)
   local caller = sim.call({
      source = ([[
         local voice = require("voice")
         return { on_call = function(call)
            local ok, value = pcall(function() return %s end)
            call.vars.value = tostring(value)
         end }
      ]]):format(expression),
   })
   caller:is_silent(0.5)
   return caller:record().vars.value
end

describe("a script", function()
   it("walks a library without getting hold of it", function()
      assert.equal("nil", inside("(select(2, pairs(string)))"))
      assert.equal(
         "true",
         inside([[(function()
            local names = {}
            for name, fn in pairs(string) do names[name] = type(fn) == "function" end
            return names.find and names.format
         end)()]])
      )
   end)

   it("cannot require the library's inside", function()
      for _, name in ipairs({ "voice.call", "voice.runtime", "voice.http", "voice.fault" }) do
         assert.matches("is the library's own", inside(("require(%q)"):format(name)))
      end
      assert.equal("true", inside('require("voice") == voice'))
   end)

   it("cannot reach what all calls share through its call", function()
      local caller = sim.call({
         source = [[return { on_call = function(call)
            call.vars.index, call.vars.meta = tostring(call.__index), tostring(getmetatable(call))
         end }]],
      })
      caller:is_silent(0.5)
      assert.equal("nil", caller:record().vars.index)
      assert.equal("false", caller:record().vars.meta)
   end)

   it("is not kept busy by a repetition of nothing", function()
      assert.equal("", inside('("").rep("", 1 << 60)'))
   end)
end)
