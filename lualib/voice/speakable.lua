-- Makes written text speakable: no markdown, no addresses letter by letter, numbers as people say
-- them. What a voice reads well by itself is left alone.

local speakable = {}

local words = {
   en = {
      at = "at",
      dot = "dot",
      slash = "slash",
      percent = "percent",
      and_ = "and",
      plus = "plus",
      euros = "euros",
      dollars = "dollars",
      pounds = "pounds",
      date = "%s %d, %d",
      months = "January February March April May June July August September "
         .. "October November December",
   },
   fr = {
      at = "arobase",
      dot = "point",
      slash = "slash",
      percent = "pour cent",
      and_ = "et",
      plus = "plus",
      euros = "euros",
      dollars = "dollars",
      pounds = "livres",
      date = "%2$d %1$s %3$d",
      months = "janvier février mars avril mai juin juillet août septembre "
         .. "octobre novembre décembre",
   },
   de = {
      at = "at",
      dot = "Punkt",
      slash = "Schrägstrich",
      percent = "Prozent",
      and_ = "und",
      plus = "plus",
      euros = "Euro",
      dollars = "Dollar",
      pounds = "Pfund",
      date = "%2$d. %1$s %3$d",
      months = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
   },
   es = {
      at = "arroba",
      dot = "punto",
      slash = "barra",
      percent = "por ciento",
      and_ = "y",
      plus = "más",
      euros = "euros",
      dollars = "dólares",
      pounds = "libras",
      date = "%2$d de %1$s de %3$d",
      months = "enero febrero marzo abril mayo junio julio agosto septiembre "
         .. "octubre noviembre diciembre",
   },
}

local currencies = { ["€"] = "euros", ["$"] = "dollars", ["£"] = "pounds" }

local function month_name(lang, month)
   local n = 0
   for name in lang.months:gmatch("%S+") do
      n = n + 1
      if n == month then
         return name
      end
   end
end

-- "%1$s" is not Lua's: the order of month, day and year is filled in by hand.
local function date(lang, year, month, day)
   local name = month_name(lang, tonumber(month))
   if not name then
      return nil
   end
   local values = { name, tostring(tonumber(day)), year }
   if lang.date:find("%$") then
      return (
         lang.date:gsub("%%(%d)%$.", function(i)
            return values[tonumber(i)]
         end)
      )
   end
   return lang.date:format(name, tonumber(day), tonumber(year))
end

local function strip_markdown(text)
   text = text:gsub("```[^\n]*\n(.-)```", "%1"):gsub("`([^`]*)`", "%1")
   text = text:gsub("!%[([^%]]*)%]%([^%)]*%)", "%1"):gsub("%[([^%]]+)%]%([^%)]*%)", "%1")
   text = text:gsub("%*%*(.-)%*%*", "%1"):gsub("__(.-)__", "%1"):gsub("~~(.-)~~", "%1")
   text = text:gsub("%f[%*]%*(%S[^%*\n]*)%*", "%1")
   text = ("\n" .. text):gsub("\n%s*#+%s*", "\n"):gsub("\n%s*>%s*", "\n")
   text = text:gsub("\n%s*[%-%*•]%s+", "\n"):gsub("\n%s*%d+[%.%)]%s+", "\n")
   text = text:gsub("\n[%-%*_][%-%*_ ]+\n", "\n"):gsub("|", " ")
   return text:sub(2)
end

-- "www.example.com/path" -> "example dot com slash path"
local function say_address(lang, address)
   address = address:gsub("^%a+://", ""):gsub("^www%.", ""):gsub("/$", ""):gsub("[%?#].*$", "")
   return (
      address
         :gsub("@", " " .. lang.at .. " ")
         :gsub("%.", " " .. lang.dot .. " ")
         :gsub("/", " " .. lang.slash .. " ")
         :gsub("[%-_]", " ")
   )
end

local function say_addresses(lang, text)
   text = text:gsub("%a+://[%w%-%._~/%?#%[%]@!%$&%(%)%*%+;=%%]*[%w/]", function(url)
      return say_address(lang, url)
   end)
   text = text:gsub("%f[%w]www%.[%w%-%./]*%w", function(url)
      return say_address(lang, url)
   end)
   return (
      text:gsub("[%w%.%-_%+]+@[%w%-]+%.[%w%.%-]*%w", function(mail)
         return say_address(lang, mail)
      end)
   )
end

-- Telephone numbers are said digit by digit, in the groups in which they are written.
local function say_numbers(lang, text)
   text = text:gsub("%+(%d[%d %.%-%(%)]*%d)", function(number)
      local digits = number:gsub("%D", "")
      if #digits < 8 then
         return nil
      end
      local spaced = number:gsub("[%.%-%(%)]", " "):gsub("%d", "%0 "):gsub("%s+", " ")
      return lang.plus .. " " .. spaced:gsub("%s+$", "")
   end)
   text = text:gsub("%f[%d](%d%d%d%d)%-(%d%d)%-(%d%d)%f[%D]", function(year, month, day)
      return date(lang, year, month, day)
   end)
   text = text:gsub("(€)%s?(%d[%d,]*%.?%d*)", "%2 %1")
   for sign, name in pairs(currencies) do
      local plain = sign:gsub("%$", "%%$")
      text = text:gsub(plain .. "%s?(%d[%d,]*%.?%d*)", "%1 " .. lang[name])
      text = text:gsub("(%d)%s?" .. plain, "%1 " .. lang[name])
   end
   text = text:gsub("(%d)%s?%%", "%1 " .. lang.percent)
   return text
end

--- The text as it should be spoken. `filters` are functions text -> text that run last.
function speakable.make(text, language, filters)
   local lang = words[(language or "en"):sub(1, 2)] or words.en
   text = strip_markdown(text)
   text = say_addresses(lang, text)
   text = say_numbers(lang, text)
   text = text:gsub("%s&%s", " " .. lang.and_ .. " ")
   text = text:gsub("[%*_#`~<>{}|\\^]+", " ")
   for _, filter in ipairs(filters or {}) do
      text = filter(text)
   end
   return (text:gsub("[ \t]+", " "):gsub("^%s+", ""):gsub("%s+$", ""))
end

return speakable
