using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Replay;
using Postern.Core.Reporting;
using Postern.Core.Screening;
using Postern.Events;
using Postern.Reports;
using Postern.Storage;
using Postern.Tables;

namespace Postern.Cli;

/// <summary>What <c>postern what-if</c> is asked.</summary>
/// <param name="Directory">Such as <c>/etc/postfix</c>.</param>
/// <param name="Overrides">Texts <c>name=value</c>: the question.</param>
/// <param name="Events">Event logs; none: that of the configuration, with what was rotated.</param>
/// <param name="MailLogs">Mail logs that tell whose mail smtpd took; may be none.</param>
/// <param name="Service">The first field of a line of master.cf, to whose clients the question is limited; null: all.</param>
/// <param name="Since">A time or how long ago; null: from the beginning.</param>
/// <param name="Until">Likewise; null: to the end.</param>
/// <param name="IsJson">For programs.</param>
/// <param name="MaxNamed">How many decent clients are named at most.</param>
internal sealed record WhatIfQuery(
    string Directory, IReadOnlyList<string> Overrides, IReadOnlyList<string> Events, IReadOnlyList<string> MailLogs, string? Service, string? Since, string? Until, bool IsJson, int MaxNamed);

/// <summary><c>postern what-if</c>: what other settings would have done with the clients in the event log.</summary>
internal sealed class WhatIfVerb
{
    private const int FirstYear = 1970, LastYear = 2105; // of which records can tell the seconds

    private const int Failed = 1, CannotTell = 2;

    private readonly WhatIfQuery _query;
    private readonly TextWriter _errors;
    private readonly AcceptedMail? _mail;
    private long _lines, _unreadable;
    private DateTimeOffset? _last;

    private WhatIfVerb(WhatIfQuery query, DateTime today, TextWriter errors)
    {
        (_query, _errors) = (query, errors);
        _mail = query.MailLogs.Count > 0 ? new AcceptedMail(today) : null;
    }

    /// <returns>The exit status: 1 when there is trouble, 2 when the event log cannot tell.</returns>
    public static int Run(WhatIfQuery query, Stream output, TextWriter errors) =>
        Run(query, new TextFiles(), HostFactsReader.Read(), DateTimeOffset.Now, output, errors);

    internal static int Run(WhatIfQuery query, ITextFiles files, HostFacts host, DateTimeOffset now, Stream output, TextWriter errors) =>
        new WhatIfVerb(query, now.LocalDateTime, errors).Answer(files, host, now, output);

    private int Answer(ITextFiles files, HostFacts host, DateTimeOffset now, Stream output)
    {
        if (!TimeArgument.TryParse(_query.Since, now, out var since))
            return Fail($"--since {_query.Since}: {TimeArgument.Forms}");
        if (!TimeArgument.TryParse(_query.Until, now, out var until))
            return Fail($"--until {_query.Until}: {TimeArgument.Forms}");
        if (!AreNamesKnown() || Load([], files, host) is not { } before || Load(_query.Overrides, files, host) is not { } after || !IsAccepted(before, after))
            return Failed;
        if (_query.Service is { } name && before.Services.All(service => service.Name != name))
            return Fail($"no screening service {name} in master.cf; there are: {string.Join(", ", before.Services.Select(static service => service.Name))}");
        var questions = Questions(files, host);
        if (questions.TrueForAll(static question => question.Obstacle is not null))
        {
            foreach (var question in questions)
                _errors.WriteLine($"postern what-if: {question.Name}: {question.Obstacle}");
            return CannotTell;
        }

        var logs = _query.Events.Count > 0 ? _query.Events : before.Process!.EventLog is { } path ? LogFiles.WithRotated(path) : [];
        if (logs.Count == 0)
            return Fail("postern_event_log is empty, so nothing has been recorded: set it, wait a day, and ask again; or name a file with --events");
        try
        {
            using var visits = new VisitSorter();
            var status = ReadAll(logs, TakeEvent(visits, before.Services, since, until), areNamed: _query.Events.Count > 0) | ReadAll(_query.MailLogs, line => _mail!.Add(line), areNamed: true);
            if (visits.Count == 0)
            {
                _errors.WriteLine($"postern what-if: no client in {string.Join(", ", logs)}{(since is null && until is null ? "" : " in that time")}");
                return CannotTell;
            }

            var isUnchanged = questions.TrueForAll(static question => question.Before == question.After); // then the very same settings
            Write(Compare(visits, before.Services, isUnchanged ? before.Services : after.Services), questions, output);
            return status;
        }
        catch (IOException problem)
        {
            return Fail(problem.Message);
        }
    }

    private void Write(WhatIfAnswer answer, List<WhatIfQuestion> questions, Stream output)
    {
        if (_query.IsJson)
            WhatIfReport.WriteJson(answer, questions, _mail is not null, output);
        else
            WhatIfReport.WriteText(answer, questions, _mail is not null, ReportVerb.TerminalOn(output));
    }

    private Configuration? Load(IReadOnlyList<string> overrides, ITextFiles files, HostFacts host)
    {
        var configuration = Configuration.Load(_query.Directory, files, host, HostTableTypes.For, overrides: overrides);
        if (!configuration.HasErrors)
            return configuration;
        CheckVerb.PrintProblems(configuration.Problems, _errors);
        return null;
    }

    /// <summary>What <c>postern check</c> would refuse of the settings in question is refused here, too.</summary>
    private bool IsAccepted(Configuration before, Configuration after)
    {
        var problems = after.Problems.Where(problem => problem.Severity is not ProblemSeverity.Warning && !before.Problems.Contains(problem)).ToList();
        if (problems.Count > 0)
            CheckVerb.PrintProblems(problems, _errors);
        return problems.Count == 0;
    }

    private bool AreNamesKnown()
    {
        var areKnown = _query.Overrides.Count > 0;
        if (!areKnown)
            _errors.WriteLine("postern what-if: what if what? Ask with -o name=value");
        foreach (var text in _query.Overrides)
        {
            if (!NameValue.TrySplit(text, out var name, out _, out var problem))
                _errors.WriteLine($"postern what-if: -o {text}: {problem}");
            else if (Parameters.Find(name) is null)
                _errors.WriteLine($"postern what-if: {name}: unknown parameter" + (Parameters.Nearest(name) is { } nearest ? $"; did you mean {nearest}?" : ""));
            else
                continue;
            areKnown = false;
        }

        return areKnown;
    }

    private List<WhatIfQuestion> Questions(ITextFiles files, HostFacts host)
    {
        var listing = ParameterListing.Load(_query.Directory, files, host, _query.Service, []);
        var questions = new List<WhatIfQuestion>();
        foreach (var text in _query.Overrides)
        {
            if (NameValue.TrySplit(text, out var name, out var value, out _))
                questions.Add(new(name, listing.TextOf(name), value, ReplayableParameters.Obstacle(name)));
        }

        return questions;
    }

    private LineTaker TakeEvent(VisitSorter visits, IReadOnlyList<ScreeningService> services, DateTimeOffset? since, DateTimeOffset? until)
    {
        var bad = services.SelectMany(static service => service.Settings.DnsblSites?.Lists ?? [])
            .Where(static list => list.Rules.Any(static rule => rule.Weight > 0)).Select(static list => list.Domain).ToHashSet(StringComparer.Ordinal);
        return line =>
        {
            _lines++;
            if (!ClientEventReader.TryRead(line, out var client) || client.Connected.Year is < FirstYear or > LastYear)
            {
                _unreadable++;
                return;
            }

            var service = ServiceOf(client, services);
            if (client.Connected < since || client.Connected >= until || (_query.Service is { } name && services[service].Name != name))
                return;
            _last = client.Connected < _last ? _last : client.Connected;
            visits.Add(client, service, isMarked: client.Answers.Count > 0 && client.Answers.Any(answer => bad.Contains(answer.List)));
        };
    }

    private int ReadAll(IReadOnlyList<string> files, LineTaker take, bool areNamed) =>
        LogFiles.Read(files, take, problem => _errors.WriteLine($"postern what-if: {problem}"), areNamed) ? 0 : Failed;

    private WhatIfAnswer Compare(VisitSorter visits, IReadOnlyList<ScreeningService> before, IReadOnlyList<ScreeningService> after)
    {
        var rules = before.Zip(after, static (one, other) => (Before: new ReplayRules(one.Settings, one.Settings), After: new ReplayRules(other.Settings, one.Settings))).ToArray();
        var whatIf = new WhatIf(rules, IsDecent, _last, _query.MaxNamed);
        visits.Read(group => whatIf.Begin(group.Service, group.IsMarked, group.HasNeighbours), client => whatIf.Add(WithMail(client)), whatIf.End);
        return whatIf.Answer() with { Lines = (_lines, _unreadable) };
    }

    private bool IsDecent(RecordedClient client, bool isListed) =>
        client.Outcome is Outcome.HandedOff && (_mail is null ? !isListed : _mail.From(client.Address, out _, out _));

    private RecordedClient WithMail(RecordedClient client) =>
        _mail is not null && _mail.From(client.Address, out var sender, out var recipient)
            ? client with { Sender = client.Sender ?? sender, Recipient = client.Recipient ?? recipient }
            : client;

    // By where it came to; the endpoints of a wildcard match by their port.
    private static int ServiceOf(RecordedClient client, IReadOnlyList<ScreeningService> services)
    {
        for (var i = 0; i < services.Count; i++)
        {
            if (services[i].Endpoints.Any(endpoint => endpoint.Port == client.Server.Port && (endpoint.Address == client.Server.Address || endpoint.Address.IsWildcard)))
                return i;
        }

        return 0; // behind a proxy, which named an address of its own
    }

    private int Fail(string problem)
    {
        _errors.WriteLine($"postern what-if: {problem}");
        return Failed;
    }
}
