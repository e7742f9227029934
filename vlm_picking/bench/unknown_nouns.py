"""Nouns that no training list has, for things that no simulated bin holds: nothing may answer PRESENT to them."""

UNKNOWN_NOUNS: tuple[str, ...] = tuple(
    """
abacus aerosol albatross almanac amplifier amulet anemone antelope anteater anthill arcade archway
armadillo artichoke asparagus astrolabe atrium aubergine awning baboon backpack balcony ballista bandana barge
barnacle barometer bassoon bathrobe bayonet bazooka beanbag beehive bellows beret birdhouse bison blackboard blimp
blowtorch blueberry boar bobsled bonfire bonsai bookcase boomerang boutique bracken bramble brassiere brochure
bucksaw bugle bulldog bungalow buoy burrito cabin caboose calliope candelabra capybara carafe caravan cardigan
caribou carousel catamaran cathedral cauldron cedar centipede chandelier chariot cheesecake chinchilla chopper
cicada clarion cobra cockatoo coffin colander collie condor cormorant corset cottage cougar coyote cranberry
crater credenza cricket croissant crossbow crumpet cutlass cypress dachshund dagger dandelion dartboard dhow
dirigible discus dragonfly dresser dromedary dynamo echidna elk emu epaulet falafel
ferret fiddle fireplace firefly fjord flounder flyer foghorn fondue footstool fortress foxglove freighter
frisbee galleon gargoyle gazebo gazelle gecko gerbil geyser gibbon glider gnome gondola gong gramophone
grenade griddle guillotine gumboot gunboat gyroscope haddock halibut halter hamlet harpoon hatchet hatstand
hazelnut headband hedge heirloom herring hibiscus hippopotamus hovercraft humidifier hyacinth hydrofoil hyena ibex
iceberg icicle igloo impala incubator ironwork ivy jackal jackdaw jaguar javelin jetty juggernaut juniper
kennel kestrel kimono kingfisher kiosk knapsack lagoon lasso lavender leek leotard lilac limousine
lioness lobby locket loom lute lynx macaw magpie mammoth mandolin manatee maple marigold marmot mausoleum meerkat
megaphone metronome mineshaft minivan mistletoe moat mongoose monocle monument mosque motel mulberry mule muskrat
narwhal newt nightgown nightingale oboe ocelot oleander omelette orangutan orchid osprey ottoman paddock pagoda
parka parsley parsnip partridge pendulum pergola periscope petunia pheasant pigsty pinwheel piranha platypus plough
poncho poodle poppy porcupine prawn pretzel puffin puma python quail quilt quiver rapier ravine reindeer rickshaw
riverboat rooster rucksack sabre sailboat salamander samovar sarcophagus sarong sawmill scallop scarecrow schooner
seagull sequoia shed shrimp sitar skyscraper sloth snorkel sombrero sparrow spire stadium stork sundial swordfish
tadpole tapir telegraph temple terrier thistle tiara toboggan tomahawk toucan trawler trellis
trench tugboat turban turret vicuna villa vineyard walkway wallaby waterfall weasel whippet wigwam willow windmill
wombat woodpecker yak yurt zeppelin zither
""".split()
)
