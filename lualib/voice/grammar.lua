-- Grammars: what a caller may say to one question, as a table of intents.
--
--    voice.grammar {
--       sales = { "sales", "the sales department", "i want to buy [something]" },
--       yes = "(yes|yes please|sure)",
--       leads = { "i would like", "can i have" },   -- may come before any phrase
--       tails = { "please" },                       -- may come after any phrase
--    }

local _, core = ...

local grammar = {}

-- Words that callers put around an answer anyway.
grammar.leads = {
   "hello",
   "hi",
   "um",
   "uh",
   "well",
   "please",
   "[hello] [i] (want|need) [to (speak to|talk to|reach)]",
   "[hello] (i would|i'd) like [to (speak to|talk to|reach)]",
   "(can|could|may) i (have|get|speak to|talk to)",
   "put me through to",
   "connect me to",
   "give me",
}
grammar.tails = { "please", "thanks", "thank you", "if possible", "now" }

-- Sources are plain tables; compiled ones are kept, so that the same question asked again costs
-- nothing. Keyed by the text, because scripts often build the table anew for each question.
local cache, cache_size = {}, 0
local CACHE_MAX = 64

local function list_of(value, what)
   if value == nil then
      return {}
   end
   if type(value) == "string" then
      return { value }
   end
   if type(value) ~= "table" then
      error(("grammar: '%s' must be a phrase or a list of phrases"):format(what), 4)
   end
   return value
end

local function flatten(source)
   local spec, intents = {}, {}
   for intent in pairs(source) do
      if type(intent) ~= "string" then
         error("grammar: every key is the name of an intent, for example { sales = { ... } }", 4)
      end
      if intent ~= "leads" and intent ~= "tails" then
         intents[#intents + 1] = intent
      end
   end
   table.sort(intents)
   for _, intent in ipairs(intents) do
      for _, phrase in ipairs(list_of(source[intent], intent)) do
         spec[#spec + 1] = { intent, phrase }
      end
   end
   if #spec == 0 then
      error("grammar: no phrases", 4)
   end
   spec.leads = source.leads and list_of(source.leads, "leads") or grammar.leads
   spec.tails = source.tails and list_of(source.tails, "tails") or grammar.tails
   return spec
end

--- The compiled grammar of a table; raises with the phrase that is wrong.
function grammar.compile(source)
   if type(source) ~= "table" then
      error("grammar: a table of intents is expected", 3)
   end
   local spec = flatten(source)
   local key = core.json_encode({
      spec = core.json_array({ table.unpack(spec) }),
      leads = spec.leads,
      tails = spec.tails,
   })
   local compiled = cache[key]
   if compiled then
      return compiled
   end
   local why
   compiled, why = core.grammar(spec)
   if not compiled then
      error("grammar: " .. why, 3)
   end
   if cache_size >= CACHE_MAX then
      cache, cache_size = {}, 0
   end
   cache[key] = compiled
   cache_size = cache_size + 1
   return compiled
end

return grammar
