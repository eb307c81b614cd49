using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Text;
using Postern.Cli;
using Postern.Core.Config;
using Postern.Core.Rehearsal;
using Postern.Master;
using Postern.Native;
using Postern.Storage;

// Configuration text is held a byte a character; so it goes out as it came in.
Console.SetOut(new StreamWriter(Console.OpenStandardOutput(), Encoding.Latin1) { AutoFlush = true });
Console.SetError(new StreamWriter(Console.OpenStandardError(), Encoding.Latin1) { AutoFlush = true });

// Postfix's master has words of its own.
if (MasterInvocation.IsMeantBy(args))
    return MasterVerb.Run(args, Console.Error);

// What `postern` can do: one verb a file in Cli/, one row here.
var directory = new Option<string>("--config", "-c")
{
    Description = "The folder of main.cf and master.cf.",
    DefaultValueFactory = static _ => "/etc/postfix",
};
var logToStandardOutput = new Option<bool>("--log-to-stdout") { Description = "Log to the terminal, whatever maillog_file says." };

var serve = new Command("serve", "Screen SMTP clients as main.cf and master.cf say, until SIGTERM. SIGHUP reads both again.") { directory, logToStandardOutput };
serve.SetAction(arguments => ServeVerb.Run(Path.GetFullPath(arguments.GetRequiredValue(directory)), arguments.GetValue(logToStandardOutput), Console.Error));

var alsoLists = new Option<bool>("--lists") { Description = "Ask each DNS list once, and say what it answers and why." };
var check = new Command("check", "A dry run of serve: print every problem with file, line and what to do, also what would show only when a client comes. Exit status 1 if there is one.") { directory, alsoLists };
check.SetAction(arguments => CheckVerb.Run(Path.GetFullPath(arguments.GetRequiredValue(directory)), arguments.GetValue(alsoLists), Console.Out));

var logs = new Argument<string[]>("FILE") { Description = "Mail logs and event logs, plain or gzip, in any order; standard input without one (journalctl --facility=mail | postern report).", Arity = ArgumentArity.ZeroOrMore };
logs.Validators.Add(RefuseOptions);
var asJson = new Option<bool>("--json") { Description = "For programs." };
var asHtml = new Option<bool>("--html") { Description = "One page for a browser." };
var asCsv = new Option<string?>("--csv") { Description = "One table for other programs: curve, how long clients stayed before they left." };
asCsv.AcceptOnlyFromAmong("curve");
var since = new Option<string?>("--since") { Description = "Only what is not older: a time such as 2026-11-23T10:00, or how long ago, such as 24h or 7d." };
var until = new Option<string?>("--until") { Description = "Only what is older than that." };
var report = new Command("report", "Count what screening did, from the mail log of Postern or of postscreen and smtpd. Exit status 1 if a file or lines of screening cannot be read, or if there is nothing to report.") { logs, since, until, asJson, asHtml, asCsv };
report.SetAction(arguments =>
{
    var format = arguments.GetValue(asJson) ? ReportFormat.Json : arguments.GetValue(asHtml) ? ReportFormat.Html : arguments.GetValue(asCsv) is not null ? ReportFormat.CurveCsv : ReportFormat.Text;
    using var output = Console.OpenStandardOutput();
    return ReportVerb.Run(new ReportQuery(arguments.GetValue(logs) ?? [], format, arguments.GetValue(since), arguments.GetValue(until)), output, Console.Error);
});

var allowlist = new Command("allowlist", "What is remembered of clients: in the running daemon, or in its file when there is none.");
AddAllowlistCommand("list", "Every client and what it has passed until when.", [], static (verb, settings, records, _) => verb.List(settings, records));
AddAllowlistCommand("show", "Clients' records. Exit status 1 if one has none.", [new Argument<string[]>("ADDRESS") { Arity = ArgumentArity.OneOrMore }], static (verb, settings, records, words) => verb.Show(words, settings, records));
AddAllowlistCommand("forget", "Clients are tested again. Exit status 1 if one was not known.", [new Argument<string[]>("ADDRESS") { Arity = ArgumentArity.OneOrMore }], static (verb, _, records, words) => verb.Forget(words, records));
AddAllowlistCommand("export", "Every record as import reads it.", [], static (verb, _, records, _) => verb.Export(records));
AddAllowlistCommand("import", "Adds what export or postmap -s wrote; each test keeps the later time.", [new Argument<string[]>("FILE") { Arity = ArgumentArity.ZeroOrMore, Description = "Standard input without one." }], static (verb, _, records, _) => verb.Import(records), static words => words.Length == 0 ? ["-"] : words);
AddAllowlistCommand("stats", "How many are known, and how many need no test now.", [], static (verb, settings, records, _) => verb.Stats(settings, records));

var client = new Argument<string>("ADDRESS") { Description = "Of the client." };
var from = new Option<string?>("--from") { Description = "Of its past, only mail from this sender." };
var to = new Option<string?>("--to") { Description = "Of its past, only mail to this recipient." };
var explainedService = new Option<string?>("--service", "-s") { Description = "The line of master.cf that it comes to, by its first field; the first screening service without." };
var explain = new Command("explain", "What would happen to a client now, and why; what happened to it last; what to write to let it in.") { client, directory, explainedService, from, to };
explain.SetAction(arguments => ExplainVerb.Run(
    new ExplainQuery(
        Path.GetFullPath(arguments.GetRequiredValue(directory)),
        arguments.GetRequiredValue(client),
        arguments.GetValue(explainedService),
        arguments.GetValue(from),
        arguments.GetValue(to)),
    Console.Out,
    Console.Error));

var providers = new Command("providers", "Print what is known of the SPF policies of postern_provider_passes. Exit status 1 if one cannot be used.") { directory };
providers.SetAction(arguments => ProvidersVerb.Run(Path.GetFullPath(arguments.GetRequiredValue(directory)), Console.Out, Console.Error));

var question = new Option<string[]>("--override", "-o") { Description = "name=value: the setting in question; may be given several times." };
var eventLogs = new Option<string[]>("--events") { Description = "Event logs, plain or gzip; without, that of the configuration and what was rotated.", AllowMultipleArgumentsPerToken = true };
var mailLogs = new Option<string[]>("--mail-log") { Description = "Mail logs that tell from whom smtpd took mail.", AllowMultipleArgumentsPerToken = true };
var mostNamed = new Option<int>("--names") { Description = "How many decent clients that would be stopped are named at most.", DefaultValueFactory = static _ => 10 };
var whatIf = new Command("what-if", "What another setting would have done with the clients in the event log, and what cannot be known of it. Exit status 2 if nothing can.") { question, directory, eventLogs, mailLogs, explainedService, since, until, mostNamed, asJson };
whatIf.SetAction(arguments =>
{
    using var output = Console.OpenStandardOutput();
    return WhatIfVerb.Run(
        new WhatIfQuery(
            Path.GetFullPath(arguments.GetRequiredValue(directory)),
            [.. (arguments.GetValue(question) ?? []).Select(Latin1.OfText)],
            arguments.GetValue(eventLogs) ?? [],
            arguments.GetValue(mailLogs) ?? [],
            arguments.GetValue(explainedService),
            arguments.GetValue(since),
            arguments.GetValue(until),
            arguments.GetValue(asJson),
            arguments.GetValue(mostNamed)),
        output,
        Console.Error);
});

var once = new Option<bool>("--once") { Description = "One picture as text, and no more." };
var top = new Command("top", "What the running daemon does, drawn anew each second; q quits. Exit status 1 if there is no daemon to ask.") { directory, once };
top.SetAction(arguments =>
{
    using var output = Console.OpenStandardOutput();
    return TopVerb.Run(Path.GetFullPath(arguments.GetRequiredValue(directory)), arguments.GetValue(once), output, Console.Error);
});

// What postconf calls them. -h is not for help there, so it is not here.
var changed = new Option<bool>("--changed", "-n") { Description = "Only what main.cf, postern.cf and options set." };
var defaults = new Option<bool>("--defaults", "-d") { Description = "Built-in defaults instead of what is in force." };
var hideNames = new Option<bool>("--hide-names", "-h") { Description = "Values without their names." };
var expand = new Option<bool>("--expand", "-x") { Description = "With $name replaced by what it stands for." };
var origin = new Option<bool>("--origin") { Description = "Before each value, the file and line that it comes from." };
var service = new Option<string?>("--service", "-s") { Description = "With the -o overrides of this line of master.cf, named by its first field." };
var overrides = new Option<string[]>("--override", "-o") { Description = "name=value, stronger than the files." };
var names = new Argument<string[]>("name") { Arity = ArgumentArity.ZeroOrMore, Description = "Which parameters; none: all." };
names.Validators.Add(RefuseOptions);
var config = new Command("config", "Print parameters, as postconf does.") { directory, changed, defaults, hideNames, expand, origin, service, overrides, names };
config.SetAction(arguments => ConfigVerb.Run(
    new ConfigQuery(
        Path.GetFullPath(arguments.GetRequiredValue(directory)),
        [.. (arguments.GetValue(names) ?? []).Select(Latin1.OfText)],
        arguments.GetValue(changed),
        arguments.GetValue(defaults),
        arguments.GetValue(hideNames),
        arguments.GetValue(expand),
        arguments.GetValue(origin),
        arguments.GetValue(service),
        [.. (arguments.GetValue(overrides) ?? []).Select(Latin1.OfText)]),
    Console.Out,
    Console.Error));

var rehearsedDirectory = new Option<string?>("--config", "-c") { Description = "The folder of main.cf and master.cf; /etc/postfix without, and a built-in configuration where that has none." };
var scenario = new Option<string>("--scenario") { Description = "mixed (the default): three greet waits and the configuration as it is; published: the counts of a real site; starpit: slow lanes.", DefaultValueFactory = static _ => Scenario.MixedName };
scenario.AcceptOnlyFromAmong(Scenario.MixedName, Scenario.PublishedName, Scenario.StarpitName);
var compared = new Option<string[]>("--compare") { Description = "name=value to be tried in a run of its own, instead of the scenario's settings. May be repeated." };
var modelled = new Option<string[]>("--set") { Description = "name=value of the traffic model. May be repeated." };
var showModel = new Option<bool>("--show-model") { Description = "Print the traffic model with its sources, and play nothing." };
var withReports = new Option<bool>("--reports") { Description = "Also what postern report makes of the log of each run." };
var seed = new Option<int>("--seed") { Description = "Another number gives other traffic of the same kind.", DefaultValueFactory = static _ => 1 };
var logFolder = new Option<string?>("--logs") { Description = "A folder to keep the mail logs of the runs in." };
var keptEvents = new Option<string?>("--event-log") { Description = "A file to keep the event log of the run in, for postern what-if; of several runs, one beside it for each, with the run's name at its end." };
var visits = new Option<string>("--visits") { Description = "returning (the default): clients come back until they have succeeded; fixed: they make the same visits whatever becomes of them.", DefaultValueFactory = static _ => "returning" };
visits.AcceptOnlyFromAmong("fixed", "returning");
var rehearse = new Command("rehearse", "Play bots and honest senders against a configuration, in a sandbox of its own and in fast motion, and count what comes of it.")
{
    rehearsedDirectory, scenario, overrides, compared, modelled, showModel, withReports, seed, visits, logFolder, keptEvents, asJson,
};
rehearse.SetAction(arguments =>
{
    using var output = Console.OpenStandardOutput();
    return RehearseVerb.Run(
        new RehearseQuery(
            arguments.GetValue(rehearsedDirectory) is { } folder ? Path.GetFullPath(folder) : null,
            arguments.GetRequiredValue(scenario),
            [.. (arguments.GetValue(overrides) ?? []).Select(Latin1.OfText)],
            [.. (arguments.GetValue(compared) ?? []).Select(Latin1.OfText)],
            arguments.GetValue(modelled) ?? [],
            arguments.GetValue(seed),
            arguments.GetValue(showModel),
            arguments.GetValue(withReports),
            arguments.GetValue(asJson),
            arguments.GetValue(logFolder),
            arguments.GetValue(keptEvents),
            arguments.GetRequiredValue(visits) == "fixed"),
        output,
        Console.Error);
});

var root = new RootCommand("Postern keeps spambots out of your mail server: Postfix's postscreen and more, from the same main.cf and master.cf.") { serve, check, config, report, whatIf, rehearse, top, allowlist, providers, explain };
var page = new Argument<string>("PAGE") { Description = "postern (the default), postern.cf, or postern-COMMAND, such as postern-check.", DefaultValueFactory = static _ => "postern" };
var man = new Command("man", "Print a manual page: postern man | man -l -") { page };
man.SetAction(arguments => Console.Out.Write(arguments.GetRequiredValue(page) switch
{
    "postern" => ManVerb.Commands(root),
    "postern.cf" => ParameterDocs.RenderManual(),
    var name => ManVerb.Command(root.Subcommands.Single(command => "postern-" + command.Name == name)),
}));
root.Subcommands.Add(man);
page.AcceptOnlyFromAmong(["postern", "postern.cf", .. root.Subcommands.Select(static command => "postern-" + command.Name)]);
root.Options.OfType<VersionOption>().Single().Action = new VersionVerb();
root.Options.Remove(root.Options.OfType<HelpOption>().Single());
root.Options.Add(new HelpOption("--help", "-?"));
return root.Parse(args).Invoke();

void AddAllowlistCommand(string name, string description, Argument<string[]>[] arguments, Func<AllowlistVerb, Settings, IAllowlistRecords, string[], int> run, Func<string[], string[]>? inputs = null)
{
    var command = new Command(name, description) { directory };
    foreach (var argument in arguments)
    {
        argument.Validators.Add(RefuseOptions);
        command.Arguments.Add(argument);
    }

    command.SetAction(given =>
    {
        var words = arguments.Length == 0 ? [] : given.GetValue(arguments[0]) ?? [];
        return AllowlistVerb.Run(
            Path.GetFullPath(given.GetRequiredValue(directory)), Console.Out, Console.Error, inputs?.Invoke(words) ?? [], (verb, settings, records) => run(verb, settings, records, words));
    });
    allowlist.Subcommands.Add(command);
}

// A list of words would take a mistyped option for one of them. "-" is standard input.
static void RefuseOptions(ArgumentResult result)
{
    if (result.Tokens.FirstOrDefault(static token => token.Value.StartsWith('-') && token.Value != "-") is { } token)
        result.AddError($"Unrecognized option '{token.Value}'.");
}
