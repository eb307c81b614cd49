using System.Globalization;

namespace Postern.Core.Rehearsal;

/// <summary>All senders of a rehearsal. The same model and seed give the same traffic, whatever the settings that it meets.</summary>
public sealed class Traffic
{
    /// <summary>Longer than any greeting takes.</summary>
    public static readonly TimeSpan Forever = TimeSpan.FromDays(1);

    /// <summary>How long a mail server waits for its greeting (RFC 5321 §4.5.3.2.1).</summary>
    public static readonly TimeSpan ServersPatience = TimeSpan.FromMinutes(5);

    /// <summary>The domain that no mail comes from: it does not exist.</summary>
    public const string NoDomain = "nowhere.invalid";

    private const uint HonestNetwork = 0xc612_0000, BotNetwork = 0xc613_0000; // 198.18.0.0/16, 198.19.0.0/16
    private const int NetworkSize = 1 << 16;
    private const int SenderDomains = 40;
    private const ulong MoodSeeds = 1UL << 40; // beyond the seeds of the traffic
    private const int DifferentMoods = 8;
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ImpatientServer = TimeSpan.FromSeconds(30);

    private readonly TrafficModel _model;
    private readonly string _domain;
    private readonly List<Sender> _senders = [];
    private uint _honestHosts;

    private Traffic(TrafficModel model, string domain) => (_model, _domain) = (model, domain);

    /// <summary>In the order of their first attempts.</summary>
    public IReadOnlyList<Sender> Senders => _senders;

    /// <param name="model">How many there are and how they behave.</param>
    /// <param name="seed">Any number.</param>
    /// <param name="domain">Whose recipients they write to.</param>
    public static Traffic Generate(TrafficModel model, int seed, string domain)
    {
        var traffic = new Traffic(model, domain);
        traffic.AddHonest(new Dice((ulong)seed * 2));
        traffic.AddBots(new Dice((ulong)seed * 2 + 1));
        traffic.GiveMoods(new Dice((ulong)seed + MoodSeeds));
        traffic._senders.Sort(static (one, other) => one.FirstAt.CompareTo(other.FirstAt));
        return traffic;
    }

    private void AddHonest(Dice dice)
    {
        var count = (int)Math.Round(_model.Number(ModelParameter.Mails) * _model.Number(ModelParameter.Scale));
        var known = (int)Math.Round(count * _model.Number(ModelParameter.Known));
        var arrivals = dice.Spread(count);
        var large = (int)Math.Round((count - known) * _model.Number(ModelParameter.Large));
        var (names, patience, praise) = (dice.Spread(count - large), dice.Spread(count - large), dice.Spread(count));
        var generic = _model.Number(ModelParameter.HonestGeneric);
        for (var i = 0; i < count; i++)
        {
            var isLarge = i < large;
            var schedule = isLarge ? RetrySchedule.LargeProviders[i % RetrySchedule.LargeProviders.Count] : RetrySchedule.Small;
            var hasEndUsersName = !isLarge && names[i - large] < generic;
            var isImpatient = !isLarge && !hasEndUsersName && patience[i - large] < _model.Number(ModelParameter.ShortPatience);
            var hosts = new List<Host>();
            for (var address = 1; address <= schedule.Addresses; address++)
            {
                var ip = IpAddress.FromIPv4(HonestNetwork + ++_honestHosts % NetworkSize);
                var name = hasEndUsersName ? GenericName(ip) : string.Format(CultureInfo.InvariantCulture, schedule.HostName, address, i);
                hosts.Add(new Host(ip, name, LeadsBack: true, IsKnown: i >= count - known, IsListed: false, praise[i] < _model.Number(ModelParameter.Praised)));
            }

            _senders.Add(new Sender
            {
                IsBot = false,
                Hosts = hosts,
                FirstAt = ArrivalOf(arrivals[i]),
                Retries = schedule.Retries,
                FixedVisits = Math.Min(schedule.Retries.Count, i % Math.Max(1, (int)_model.Number(ModelParameter.FixedVisits))) + 1,
                Manners = new Manners(
                    TalksAfter: null, isImpatient ? ImpatientServer : ServersPatience, Seconds(_model.Number(ModelParameter.HonestThink)),
                    Dialect.Smtp, hosts[0].Name!, $"someone@partner{i % SenderDomains}.example", $"you@{_domain}"),
            });
        }
    }

    private void AddBots(Dice dice)
    {
        var count = (int)Math.Round(_model.Number(ModelParameter.Bots) * _model.Number(ModelParameter.Scale));
        var (tries, pauses) = (_model.Curve(ModelParameter.Tries), _model.Curve(ModelParameter.RetryAfter));
        var (talk, patience) = (_model.Curve(ModelParameter.TalkAfter), _model.Curve(ModelParameter.Patience));
        var talkers = (int)Math.Round(count * _model.Number(ModelParameter.EarlyTalk));
        var patient = (int)Math.Round((count - talkers) * _model.Number(ModelParameter.Patient));
        var impatient = count - talkers - patient;
        var (arrivals, howOften, talkTimes, patiences) = (dice.Spread(count), dice.Spread(count), dice.Spread(talkers), dice.Spread(impatient));
        var (refused, dialects, names, listed, forged) = (dice.Spread(count), dice.Spread(count), dice.Spread(count), dice.Spread(count), dice.Spread(count));
        for (var i = 0; i < count; i++)
        {
            var retries = new List<TimeSpan>();
            var last = TimeSpan.Zero;
            for (var left = (int)Math.Ceiling(tries.Where(howOften[i])); left > 1; left--)
                retries.Add(last += ShortestPause + Seconds(pauses.Where(dice.Next())));
            var ip = IpAddress.FromIPv4(BotNetwork + (uint)((i * 257L + 1) % NetworkSize)); // 257: all over the /24 networks
            var name = NameOf(names[i], ip, i, out var leadsBack);
            var from = refused[i] < _model.Number(ModelParameter.Refused) ? $"offer@{NoDomain}" : $"offer@shop{i % SenderDomains}.example";
            _senders.Add(new Sender
            {
                IsBot = true,
                Hosts = [new Host(ip, name, leadsBack, IsKnown: false, listed[i] < _model.Number(ModelParameter.Listed), IsPraised: false)],
                FirstAt = ArrivalOf(arrivals[i]),
                Retries = retries,
                FixedVisits = retries.Count + 1,
                Manners = new Manners(
                    i < talkers ? Seconds(talk.Where(talkTimes[i])) : null,
                    i < talkers + patient ? Forever : Seconds(patience.Where(patiences[i - talkers - patient])),
                    Seconds(_model.Number(ModelParameter.BotThink)),
                    DialectOf(dialects[i]),
                    forged[i] < _model.Number(ModelParameter.ForgedHelo) ? _domain : $"[10.0.{i / 250 % 256}.{i % 250}]",
                    from,
                    $"you@{_domain}"),
            });
        }
    }

    /// <summary>Has senders behave otherwise from visit to visit.</summary>
    private void GiveMoods(Dice dice)
    {
        var share = _model.Number(ModelParameter.Moods);
        for (var i = 0; share > 0 && i < _senders.Count; i++)
        {
            var sender = _senders[i];
            var moods = new List<Manners>();
            for (var mood = 0; mood < DifferentMoods; mood++)
                moods.Add(dice.Next() < share ? OtherMood(sender.Manners, dice) : sender.Manners);
            _senders[i] = sender with { Moods = moods };
        }
    }

    private static Manners OtherMood(Manners usual, Dice dice)
    {
        const double LongestSilence = 20, LongestPatience = 60, LongestThink = 3;
        var (what, when) = (dice.Next(5), dice.Next());
        return what switch
        {
            0 => usual with { TalksAfter = Seconds(when * LongestSilence) },
            1 => usual with { TalksAfter = null, Patience = Seconds(when * LongestPatience) },
            2 => usual with { TalksAfter = null, Patience = ServersPatience, Think = Seconds(when * LongestThink) },
            3 => usual with { TalksAfter = null, Patience = ServersPatience, Dialect = (Dialect)dice.Next(Enum.GetValues<Dialect>().Length) },
            _ => usual with { TalksAfter = null, Patience = ServersPatience, Dialect = Dialect.Smtp },
        };
    }

    private Dialect DialectOf(double number)
    {
        foreach (var (parameter, dialect) in ((ModelParameter, Dialect)[])[(ModelParameter.Pipelining, Dialect.Pipelining), (ModelParameter.NonSmtp, Dialect.Http),
            (ModelParameter.BareNewline, Dialect.BareNewline), (ModelParameter.Flood, Dialect.Flood)])
        {
            if ((number -= _model.Number(parameter)) < 0)
                return dialect;
        }

        return Dialect.Smtp;
    }

    private string? NameOf(double number, IpAddress ip, int bot, out bool leadsBack)
    {
        leadsBack = true;
        if ((number -= _model.Number(ModelParameter.NoName)) < 0)
            return null;
        if ((number -= _model.Number(ModelParameter.ServerName)) < 0)
            return $"mail.host{bot}.example";
        leadsBack = number >= _model.Number(ModelParameter.Unconfirmed);
        return GenericName(ip);
    }

    private TimeSpan ArrivalOf(double share) => TimeSpan.FromHours(share * _model.Number(ModelParameter.Hours));

    private static string GenericName(IpAddress ip) => $"dsl-{ip.ToString().Replace('.', '-')}.pool.isp.example";

    // Whole milliseconds, as the event loop counts.
    private static TimeSpan Seconds(double seconds) => TimeSpan.FromMilliseconds(Math.Round(seconds * 1000));
}
