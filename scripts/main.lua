-- The default agent: a receptionist that needs no account, no key and no network.
--
-- It understands by a grammar: it is a menu that talks, not a chatbot, and callers say what they
-- want within the phrases below. Edit a prompt while the engine runs and save: the next call hears
-- it.

local voice = require("voice")

local business = {
   name = "Garage Martin",
   address = "We are at twelve Station Road, right beside the railway station.",
   hours = "We are open Monday to Friday from eight to six, and Saturday from nine to noon.",
   desks = {
      sales = "+33184800010",
      billing = "+33184800011",
      support = "+33184800012",
      person = "+33184800013",
   },
}

-- What a caller may want, and how it may be said. Words in [brackets] may be left out.
local intents = {
   sales = {
      "sales",
      "[the] sales (department|team)",
      "[to] buy (a car|something)",
      "[a] new car",
      "a quote",
   },
   billing = {
      "billing",
      "[the] billing (department|team)",
      "[my|an] invoice",
      "[a question about] my bill",
      "accounting",
   },
   support = {
      "support",
      "[the] (service|repair) (department|team)",
      "technical support",
      "[a] repair",
      "my car is broken",
   },
   person = {
      "[a] person",
      "[a] human",
      "[an] operator",
      "somebody",
      "[speak to] a real person",
      "reception",
   },
   hours = {
      "opening hours",
      "[your] hours",
      "when are you open",
      "when do you (open|close)",
      "are you open [today|tomorrow]",
   },
   address = {
      "[your] address",
      "where are you",
      "where is the garage",
      "how do i (get|find) there",
      "directions",
   },
   message = { "[to] leave a message", "[take] a message", "message" },
   again = { "repeat [that]", "say that again", "what are my options", "help" },
   goodbye = { "goodbye", "bye [bye]", "that is all", "nothing", "no thank you" },
}

local yes_no = {
   yes = { "yes [please]", "yeah", "yep", "that is right", "correct", "sure", "okay" },
   no = { "no [thank you]", "nope", "not really", "wrong", "that is wrong" },
   leads = {},
   tails = {},
}

local names = {
   sales = "sales",
   billing = "billing",
   support = "the service department",
   person = "a colleague",
}

local menu = "You can say sales, billing, support, opening hours, address, leave a message, "
   .. "or speak to a person."

-- Keys do the same, for callers in a noisy place.
local keys = { ["1"] = "sales", ["2"] = "billing", ["3"] = "support", ["0"] = "person" }

local function ask_intent(call, prompt)
   local answer, reason = call:gather({
      prompt = prompt,
      grammar = intents,
      digits = { max = 1 },
      timeout = "7s",
      tries = 3,
      reprompt = function(_, why)
         if why == "timeout" then
            return "Are you still there? " .. menu
         end
         return "Sorry, I did not understand that. " .. menu
      end,
   })
   if answer and answer.digits then
      return keys[answer.digits] or "again"
   end
   return answer and answer.intent, reason
end

local function take_message(call)
   call:say("Please leave your message after the tone, and press the hash key when you are done.")
   local message = call:record({ max = "90s", silence = "3s" })
   if message then
      call.vars.message = message.path or true
      call.log("message taken:", message.path or "(not kept)", ("%.1f s"):format(message.seconds))
      call:say("Thank you, I have passed your message on. Goodbye.")
   else
      call:say("I did not hear anything. Please call again. Goodbye.")
   end
   call:hangup()
end

local function put_through(call, department)
   local answer = call:gather({
      prompt = ("I can put you through to %s. Shall I?"):format(names[department]),
      grammar = yes_no,
      tries = 2,
   })
   if not answer or answer.intent ~= "yes" then
      return false
   end
   call.vars.department = department
   call:say("One moment, please.")
   local outcome = call:transfer(business.desks[department], { timeout = "30s" })
   if outcome == "answered" then
      return true
   end
   call:say("I am sorry, nobody is free at the moment.")
   take_message(call)
end

local answers = {
   hours = function(call)
      call:say(business.hours)
   end,
   address = function(call)
      call:say(business.address)
   end,
   message = take_message,
}

local function on_call(call)
   local prompt = ("Hello, this is %s. How can I help you?"):format(business.name)
   for _ = 1, 12 do
      local intent = ask_intent(call, prompt)
      if not intent then
         call:say("I am sorry that I could not help. Let me take a message.")
         return take_message(call)
      elseif intent == "goodbye" then
         call:say("Thank you for calling. Goodbye.")
         return call:hangup()
      elseif intent == "again" then
         prompt = menu
      elseif answers[intent] then
         answers[intent](call)
         prompt = "Is there anything else I can do for you?"
      elseif put_through(call, intent) then
         return
      else
         prompt = "All right. What else can I do for you?"
      end
   end
   take_message(call)
end

return {
   on_call = on_call,

   on_missed_call = function(ev)
      voice.log.info("missed call from", ev.from or "an unknown number")
   end,

   on_voicemail = function(ev)
      voice.log.info("voicemail from", ev.from or "an unknown number", ev.message or "")
   end,
}
