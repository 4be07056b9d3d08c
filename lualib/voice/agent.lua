-- Agents: who the model is to be in a conversation. Docs: docs/reference/agents.md.

local _, core = ...

local check = require("voice.check")
local duration = require("voice.duration")
local schema = require("voice.schema")
local tool = require("voice.tool")

local agent = {}

local MARK = {}

local fields = {
   prompt = "string or function",
   greeting = "string or function",
   tools = "table",
   result = "table",
   model = "string or table",
   temperature = "number",
   max_tokens = "number",
   voice = "string",
   language = "string",
   languages = "table",
   filters = "table",
   max_turns = "number",
   context = "number",
   budget = "number or string",
   idle = "number or string",
   idle_prompts = "table",
   filler_after = "number or string",
   fillers = "table or boolean",
   apology = "string",
   unheard = "table",
}

-- Phrases of the engine's own, by language.
local phrases = {
   en = {
      fillers = { "One moment, please.", "Let me see.", "Just a second.", "Let me check." },
      unheard = { "Sorry, I did not catch that.", "Could you say that again, please?" },
      idle = { "Are you still there?", "I am still here if you need me." },
      apology = "I am sorry, I have trouble answering right now. Could you say that again?",
   },
   fr = {
      fillers = { "Un instant.", "Je regarde.", "Juste une seconde.", "Je vérifie." },
      unheard = { "Pardon, je n'ai pas compris.", "Pouvez-vous répéter, s'il vous plaît ?" },
      idle = { "Vous êtes toujours là ?", "Je suis toujours là si besoin." },
      apology = "Je suis désolé, j'ai du mal à répondre. Pouvez-vous répéter ?",
   },
   de = {
      fillers = { "Einen Moment, bitte.", "Ich sehe nach.", "Eine Sekunde.", "Ich prüfe das." },
      unheard = { "Das habe ich leider nicht verstanden.", "Können Sie das wiederholen?" },
      idle = { "Sind Sie noch da?", "Ich bin noch da, wenn Sie mich brauchen." },
      apology = "Es tut mir leid, ich kann gerade nicht antworten. Können Sie das wiederholen?",
   },
   es = {
      fillers = { "Un momento.", "Déjeme ver.", "Un segundo.", "Lo compruebo." },
      unheard = { "Perdone, no le he entendido.", "¿Puede repetirlo, por favor?" },
      idle = { "¿Sigue ahí?", "Sigo aquí si me necesita." },
      apology = "Lo siento, ahora me cuesta responder. ¿Puede repetirlo?",
   },
}

--- The engine's phrases for a language, English where there are none.
function agent.phrases(language)
   return phrases[(language or "en"):sub(1, 2)] or phrases.en
end

local function check_tools(list)
   local names = {}
   for i, one in ipairs(list) do
      if not tool.is_tool(one) then
         error(("voice.agent: tools[%d] is no tool; make it with voice.tool"):format(i), 3)
      end
      if names[one.name] then
         error(("voice.agent: two tools have the name '%s'"):format(one.name), 3)
      end
      names[one.name] = one
   end
   return names
end

-- `result` is a tool of its own: the model ends the conversation by calling it.
local function add_result(made)
   if not made.result then
      return
   end
   if not schema.is_type(made.result) or made.result.kind ~= "object" then
      error("voice.agent: 'result' must be a voice.object { ... }", 3)
   end
   local finish = tool.new({
      name = "finish",
      description = "Ends the conversation. Call it once everything asked for is known.",
      params = made.result.fields,
      run = function(_, args)
         return tool.done(args)
      end,
   })
   made.tools[#made.tools + 1] = finish
end

--- An agent; it cannot be changed any more.
function agent.new(options)
   local made = check.options(options, fields, "voice.agent", 2)
   if not made.prompt then
      error("voice.agent: 'prompt' is missing: who is the agent, what does it do?", 2)
   end
   made.tools = { table.unpack(made.tools or {}) }
   add_result(made)
   made.by_name = check_tools(made.tools)
   made.max_turns = made.max_turns or 30
   made.context = made.context or 6000
   made.budget = duration(made.budget, "voice.agent budget") or 4
   made.idle = duration(made.idle, "voice.agent idle") or 8
   made.filler_after = duration(made.filler_after, "voice.agent filler_after") or 0.7
   made[MARK] = true
   return core.protect(made, "an agent")
end

function agent.is_agent(value)
   return type(value) == "table" and value[MARK] == true
end

-- The agents of the script, by name.
local of_script = {}

--- For runtime.lua, when a script is loaded: its `agents`.
function agent.install(list)
   for name, one in pairs(list or {}) do
      if not agent.is_agent(one) then
         error(("agents.%s is no agent; make it with voice.agent"):format(tostring(name)), 0)
      end
   end
   of_script = list or {}
end

--- An agent, or the script's agent of that name. Raises where there is none.
function agent.find(which, what, level)
   if agent.is_agent(which) then
      return which
   end
   local found = type(which) == "string" and of_script[which]
   if not found then
      error(("%s: there is no agent '%s'"):format(what, tostring(which)), level + 1)
   end
   return found
end

return agent
