#include "media/shape.h"

/*
 * The lists are short on purpose: a word that ends a sentence half of the time does not belong in
 * `open`. Words of both kinds of use ("to", "for", "pour") are in `leaning`.
 */
static const struct ve_language languages[] = {
    {
        .code = "en",
        .open = "a an and because but every if my or our than the their um uh uhm er erm very "
                "we're what's which whose your you're i'm i'd i'll its",
        .leaning = "about after are as at before between by can can't could do does for from has "
                   "have he hmm in i into is like of on she since so that they think this to "
                   "until want was we well were when where with without would you",
        .backchannel = "ah aha cool good great hm hmm huh i mhm mm mmhm mm-hm nice of oh ok okay "
                       "course right see sure uh uh-huh uhuh um yeah yep yes",
        .answers = "yes|no|yeah|nope|yep|okay|yes please|no thanks|no thank you|thank you|thanks|"
                   "goodbye|bye|bye bye|that's all|that is all|that's it|never mind|hello|correct",
        .units = "zero oh one two three four five six seven eight nine",
        .teens = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
                 "nineteen",
        .decades = "twenty thirty forty fifty sixty seventy eighty ninety",
        .ending = "",
        .joint = "",
    },
    {
        .code = "fr",
        .open = "au aux car ces cette dans de des du dont en et euh heu hum je le leur ma mais "
                "mes mon ne notre parce qu que sa ses si ta une votre vos",
        .leaning = "à ai alors après as avant avec avez bah ben bon ce c'est chez comme depuis "
                   "donc elle entre est faire il ils j'ai jusqu'à la les nous on ou par pendant "
                   "peux pour pourrais quand qui sans son sont suis sur très tu un veux vers "
                   "voudrais vous",
        .backchannel = "ah ben bien bon d'accord entendu euh hein hm hum mhm mm oh ok okay ouais "
                       "oui parfait très voilà",
        .answers = "oui|non|ouais|d'accord|oui merci|non merci|merci|au revoir|c'est tout|"
                   "c'est bon|bonjour|tout à fait|exactement|s'il vous plaît",
        .units = "zéro un deux trois quatre cinq six sept huit neuf",
        .teens = "dix onze douze treize quatorze quinze seize",
        .decades = "vingt vingts trente quarante cinquante soixante septante huitante octante "
                   "nonante",
        .ending = "",
        .joint = "et",
    },
    {
        .code = "es",
        .open = "al del donde e eh em la las lo los mi mis muy ni o pero porque pues que sus tus "
                "y",
        .leaning = "a antes como con cuando de desde después el en entonces entre es este estoy "
                   "hacia hasta hay le les me nuestra nuestro para por puedo quería quiero "
                   "quisiera se si sin sobre son soy su tengo tu un una unas unos yo",
        .backchannel = "ah ajá bien bueno claro eh hm mhm mm oh ok okay sí si vale ya",
        .answers = "sí|si|no|vale|claro|sí por favor|no gracias|gracias|adiós|eso es todo|nada más|"
                   "hola|correcto|hasta luego",
        .units = "cero un uno una dos tres cuatro cinco seis siete ocho nueve",
        .teens = "diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve",
        .decades = "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
        .ending = "",
        .joint = "y",
    },
    {
        .code = "de",
        .open = "aber am das dass dem den denn der des deren dessen eine einem einen einer eines "
                "euer im ins meine meinem meinen oder sowie und unser unsere vom weil wegen wenn "
                "zum zur äh ähm hm öh",
        .leaning = "also als an auf aus bei bis da dann die ein für habe haben hat ich ihre in "
                   "ist kann können könnte man mein mit möchte muss nach ob sehr seine sie sind "
                   "um unter von vor war was wie will wir wo würde zu zwischen über",
        .backchannel = "ach ah aha alles gut genau hm ja jawohl klar mhm mm oh ok okay richtig "
                       "schön so verstehe",
        .answers = "ja|nein|doch|okay|ja bitte|nein danke|danke|tschüss|auf wiederhören|"
                   "auf wiedersehen|das ist alles|das war's|hallo|genau|stimmt",
        .units = "null ein eins zwei zwo drei vier fünf sechs sieben acht neun",
        .teens = "zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn",
        .decades = "dreißig",
        .ending = "zig dreißig",
        .joint = "",
    },
    {.code = NULL},
};

const struct ve_language *ve_languages(void)
{
    return languages;
}

const struct ve_language *ve_language_find(struct ve_str tag)
{
    struct ve_str code =
        tag.len > 2 && (tag.ptr[2] == '-' || tag.ptr[2] == '_') ? ve_str_n(tag.ptr, 2) : tag;
    for (const struct ve_language *it = languages; it->code; it++) {
        if (ve_str_ieq(code, ve_str(it->code)))
            return it;
    }
    return NULL;
}
