namespace Postern.Core.Reporting;

/// <summary>Counts what the mail server did with those who were handed over to it, and makes its part of a <see cref="Report"/>.</summary>
internal sealed class ServerTally
{
    private int _rejected, _delivering, _idle, _rejections;

    /// <summary>Mails that were delivered.</summary>
    public int Delivered { get; set; }

    /// <summary>There were more mails than can be told apart.</summary>
    public bool IsIncomplete { get; set; }

    /// <summary>Counts a session.</summary>
    /// <param name="taken">Mails that the queue manager has.</param>
    /// <param name="rejections">Lines about rejections.</param>
    /// <param name="delivered">Mails of it that were delivered.</param>
    public void Count(int taken, int rejections, int delivered)
    {
        if (taken > 0)
            _delivering++;
        else if (rejections > 0)
            _rejected++;
        else
            _idle++;
        _rejections += rejections;
        Delivered += delivered;
    }

    /// <summary>Puts the counts into a report.</summary>
    public Report AddTo(Report report) => report with
    {
        Rejected = _rejected,
        Delivering = _delivering,
        Idle = _idle,
        RejectLines = _rejections,
        Delivered = Delivered,
        IsIncomplete = report.IsIncomplete || IsIncomplete,
    };
}
