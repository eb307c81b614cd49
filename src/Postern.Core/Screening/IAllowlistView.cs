using Postern.Core.Allowlist;

namespace Postern.Core.Screening;

/// <summary>The temporary allowlist as a session sees it: it answers at once, from memory.</summary>
public interface IAllowlistView
{
    /// <summary>How long a client waits for the store's answer. Who is not known by then is tested.</summary>
    static readonly TimeSpan AnswerLimit = TimeSpan.FromMilliseconds(250);

    /// <summary>The record of a client that passed tests before.</summary>
    bool TryRecall(IpAddress address, out TestExpiry expiry);

    /// <summary>
    /// Whether a store that others write to may know more than memory. It is asked with <see cref="ActionKind.AskAllowlist"/>,
    /// and answers with <see cref="Session.OnAllowlistAnswer"/>.
    /// </summary>
    bool CanAsk => false;

    /// <summary>
    /// Whether a client that is told to come back may be forgotten by then, because so many others come. Then nobody is told:
    /// the tests after the greeting are left out.
    /// </summary>
    bool ForgetsSoon => false;
}
