-- How `voiceengine test` prints a run: what failed, with its place, and a closing line that other
-- programs can add up.

local function new_handler(options)
   local busted = require("busted")
   local handler = require("busted.outputHandlers.base")()

   local function show(kind, test)
      io.write(("%s %s\n"):format(kind, test.name))
      local place = test.trace and ("%s:%s"):format(test.trace.short_src, test.trace.currentline)
         or "?"
      local message = type(test.message) == "string" and test.message or tostring(test.message)
      io.write("   ", place, "\n   ", (message:gsub("\n", "\n   ")), "\n")
      if options.verbose and test.trace and test.trace.traceback then
         io.write("   ", (test.trace.traceback:gsub("\n", "\n   ")), "\n")
      end
   end

   function handler.suiteEnd()
      for _, test in ipairs(handler.failures) do
         show("FAILED", test)
      end
      for _, test in ipairs(handler.errors) do
         show("ERROR ", test)
      end
      for _, test in ipairs(handler.pendings) do
         io.write(
            ("SKIPPED %s: %s\n"):format(test.name, tostring(test.message or "no reason given"))
         )
      end
      local skipped = handler.pendingsCount
      io.write(
         ("%d passed, %d failed"):format(
            handler.successesCount,
            handler.failuresCount + handler.errorsCount
         ),
         skipped > 0 and (", %d skipped"):format(skipped) or "",
         "\n"
      )
      io.flush()
      return nil, true
   end

   busted.subscribe({ "suite", "end" }, handler.suiteEnd)
   return handler
end

return new_handler
