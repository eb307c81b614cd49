using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Tables;

namespace Postern.Core.Screening;

/// <summary>A look at a client before it has a session, where room is short and not for everybody.</summary>
public static class EarlyLook
{
    /// <summary>
    /// Whether access list or temporary allowlist would let the client in without a test. A table that fails lets nobody in, and
    /// says so when the client has a session; one that would have to wait is not asked.
    /// </summary>
    /// <param name="settings">The service's.</param>
    /// <param name="allowlist">Null: there is none. Only its memory is asked.</param>
    /// <param name="client">The client's address.</param>
    /// <param name="moment">Now.</param>
    public static bool LetsIn(Settings settings, IAllowlistView? allowlist, IpAddress client, Moment moment) =>
        settings.AccessList.TryEvaluate(client, DiscardedWarnings.Instance, out _) switch
        {
            AccessVerdict.Permit => true,
            AccessVerdict.Reject => false,
            _ => allowlist is not null && allowlist.TryRecall(client, out var record)
                && !ExpiryRules.Due(Admission.Believed(record, settings, moment), ScreeningTest.EnabledIn(settings), moment.Now).Any,
        };
}
