namespace Postern.Core.Rehearsal;

/// <summary>What only a rehearsal knows: who was honest, who was not, and what became of each mail.</summary>
public sealed class Tally
{
    private readonly List<TimeSpan> _delays = [];
    private readonly List<TimeSpan> _newDelays = [];
    private readonly List<TimeSpan> _shed = [];
    private int _shedable;

    /// <summary>Bots that have tried.</summary>
    public int Bots { get; private set; }

    /// <summary>Their connections.</summary>
    public int BotVisits { get; private set; }

    /// <summary>Bots whose spam was accepted.</summary>
    public int SpamAccepted { get; private set; }

    /// <summary>Honest mails.</summary>
    public int Mails { get; private set; }

    /// <summary>Connections that it took to deliver them.</summary>
    public int HonestVisits { get; private set; }

    /// <summary>Of the honest mails, those that were delivered.</summary>
    public int Delivered { get; private set; }

    /// <summary>Of the honest mails, those that were refused, or given up after the last retry: their senders get them back.</summary>
    public int Lost { get; private set; }

    /// <summary>Of the honest mails, those that took more than a minute.</summary>
    public int Late => _delays.Count(static delay => delay > TimeSpan.FromMinutes(1));

    /// <summary>Of the delivered ones of unknown senders: half took no longer than this.</summary>
    public TimeSpan MedianDelay => Quantile(_newDelays, 0.5);

    /// <summary>Of the delivered ones of unknown senders: nine of ten took no longer than this.</summary>
    public TimeSpan LongDelay => Quantile(_newDelays, 0.9);

    /// <summary>The longest that a mail took.</summary>
    public TimeSpan LongestDelay => Quantile(_delays, 1);

    /// <summary>A sender tries for the first time.</summary>
    public void Begin(Sender sender)
    {
        if (sender.IsBot)
            Bots++;
        else
            Mails++;
    }

    /// <summary>A connection is over.</summary>
    /// <param name="isFirst">Whether it was the sender's first one.</param>
    public void End(Sender sender, Visit visit, bool isFirst)
    {
        if (!sender.IsBot)
        {
            HonestVisits++;
            return;
        }

        BotVisits++;
        if (!isFirst || !sender.CanBeShed)
            return; // a bot with many tries does not count more often than the others
        _shedable++;
        if (visit.HungUp)
            _shed.Add(visit.LeftAfter);
    }

    /// <summary>A mail was accepted.</summary>
    /// <param name="after">The first attempt.</param>
    /// <param name="wasKnown">Whether the sender had passed before.</param>
    public void Accept(Sender sender, TimeSpan after, bool wasKnown)
    {
        if (sender.IsBot)
        {
            SpamAccepted++;
            return;
        }

        Delivered++;
        _delays.Add(after);
        if (!wasKnown)
            _newDelays.Add(after);
    }

    /// <summary>An honest sender has no more hope.</summary>
    public void Lose() => Lost++;

    /// <summary>The share of the bots that a delay can shed and that had left within a time, at their first connection.</summary>
    public double ShedWithin(TimeSpan time) => _shedable == 0 ? 0 : (double)_shed.Count(left => left <= time) / _shedable;

    private static TimeSpan Quantile(List<TimeSpan> delays, double share)
    {
        if (delays.Count == 0)
            return TimeSpan.Zero;
        delays.Sort();
        return delays[Math.Max(0, (int)Math.Ceiling(share * delays.Count) - 1)];
    }
}
