-- Cuts a text that is still being written into sentences, so that the first one can be spoken while
-- the model writes the next.
--
--    local cutter = sentences.new { language = "en" }
--    for _, sentence in ipairs(cutter:push("Hello! How are")) do ... end   --> "Hello!"
--    cutter:finish()                                                       --> "How are"

local sentences = {}

-- Words that end in a full stop without ending a sentence.
local abbreviations = {
   en = "mr mrs ms dr prof st sr jr vs etc approx no fig vol dept est inc ltd co "
      .. "e.g i.e a.m p.m u.s u.k",
   fr = "m mm mme mlle dr pr st ste av bd env etc cf p.ex n° tél",
   de = "hr fr dr prof st str nr z.b d.h u.a usw ca bzw evtl ggf inkl tel",
   es = "sr sra srta dr dra ud uds etc p.ej av núm tel",
   it = "sig dott ing avv prof ecc es tel",
}

-- Marks that end a sentence, ASCII and full width, each followed by closing quotes and brackets.
local closers = { '"', "'", ")", "]", "”", "’", "»" }

local MAX_BYTES = 300 -- a sentence longer than this is cut at a comma or a blank
local CLAUSE_BYTES = 48 -- the first piece may end at a comma after so many bytes

local function set_of(words)
   local set = {}
   for word in words:gmatch("%S+") do
      set[word] = true
   end
   return set
end

local known = {}
for language, words in pairs(abbreviations) do
   known[language] = set_of(words)
end

local Cutter = {}
Cutter.__index = Cutter

--- A cutter. `first_clause` (default true) lets the very first piece end at a comma, so that the
--- caller hears something sooner.
function sentences.new(options)
   options = options or {}
   local language = (options.language or "en"):sub(1, 2)
   return setmetatable({
      text = "",
      first = options.first_clause ~= false,
      abbreviations = known[language] or known.en,
   }, Cutter)
end

-- Position behind the closing marks that follow position `at`.
local function after_closers(text, at)
   local moved = true
   while moved do
      moved = false
      for _, closer in ipairs(closers) do
         if text:sub(at, at + #closer - 1) == closer then
            at, moved = at + #closer, true
         end
      end
   end
   return at
end

-- Is the full stop at `at` one of a number, an abbreviation, an initial, a name like example.com?
local function is_inner_stop(self, text, at)
   local following = text:sub(at + 1, at + 1)
   if following ~= "" and not following:find("[%s\"'%)%]\128-\255]") then
      return true -- 3.5, example.com, a..b
   end
   local word = text:sub(1, at - 1):match("[^%s%(\"']+$") or ""
   local lower = word:lower()
   if self.abbreviations[lower] or self.abbreviations[lower:gsub("%.$", "")] then
      return true
   end
   return word:find("^%u$") ~= nil or word:find("^%u%.%u$") ~= nil -- J. R. Smith
end

-- Where the first sentence ends: position of its last byte, or nil while that cannot be told yet.
local function find_end(self, text, whole)
   local at = 1
   while true do
      local from, to, mark = text:find("([%.!%?\n]+)", at)
      local wide_from, wide_to = text:find("…", at, true)
      if wide_from and (not from or wide_from < from) then
         from, to, mark = wide_from, wide_to, "…"
      end
      if not from then
         return nil
      end
      local behind = after_closers(text, to + 1)
      local last = behind > #text
      if mark:find("\n") then
         if text:sub(1, from - 1):find("%S") then
            return from - 1, to
         end
      elseif mark == "." and is_inner_stop(self, text, from) then
         if last and not whole then
            return nil
         end
      elseif last and not whole then
         return nil -- "3." may become "3.5", '"Hello."' may get its quote
      elseif last or text:sub(behind, behind):find("%s") then
         return behind - 1, behind - 1
      end
      at = to + 1
   end
end

-- A place to cut a piece that is too long, or the first piece early.
local function find_clause(text, least, most)
   local best
   for from in text:gmatch("()[,;:–—]%s") do
      if from >= least and from <= most then
         best = from
         if least == CLAUSE_BYTES then
            return best
         end
      end
   end
   return best
end

local function trimmed(text)
   return (text:gsub("^%s+", ""):gsub("%s+$", ""))
end

local function cut_one(self, whole)
   local text = self.text
   local stop, skip = find_end(self, text, whole)
   if self.first and (not stop or stop > MAX_BYTES) then
      local clause = find_clause(text, CLAUSE_BYTES, MAX_BYTES)
      if clause then
         stop, skip = clause, clause
      end
   end
   if (not stop or stop > MAX_BYTES) and #text > MAX_BYTES then
      local clause = find_clause(text, 1, MAX_BYTES)
      local blank = text:sub(1, MAX_BYTES):match("^.*()%s")
      stop = clause or blank or MAX_BYTES
      skip = stop
   end
   if not stop then
      return nil
   end
   self.text = text:sub(skip + 1)
   return trimmed(text:sub(1, stop))
end

local function cut(self, whole)
   local out = {}
   while true do
      local sentence = cut_one(self, whole)
      if not sentence then
         return out
      end
      if sentence ~= "" then
         out[#out + 1] = sentence
         self.first = false
      end
   end
end

--- Takes more text; returns the sentences that are complete now.
function Cutter:push(text)
   self.text = self.text .. text
   return cut(self, false)
end

--- The text is over; returns what is left, as sentences.
function Cutter:finish()
   local out = cut(self, true)
   local rest = trimmed(self.text)
   self.text = ""
   if rest ~= "" then
      out[#out + 1] = rest
   end
   return out
end

--- All sentences of a whole text.
function sentences.split(text, options)
   local cutter = sentences.new(options)
   local out = cutter:push(text)
   for _, sentence in ipairs(cutter:finish()) do
      out[#out + 1] = sentence
   end
   return out
end

return sentences
