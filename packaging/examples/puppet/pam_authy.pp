# Second factor by Authy: packages, configuration, mapping, and the stack of sshd.
#
# @param key the API key, from eyaml or a vault
# @param users local user names and their authy ids
class pam_authy ( # lint:ignore:autoloader_layout
  Sensitive[String] $key,
  Hash[String, Integer[1]] $users,
) {
  package { ['libpam-authy', 'authyctl']:
    ensure => installed,
  }

  $lines = $users.map |$user, $authy_id| { "\"${user}\" = ${authy_id}\n" }

  file {
    default:
      owner   => 'root',
      group   => 'root',
      require => Package['libpam-authy'],
      before  => Exec['authyctl pam enable sshd --now'];
    '/etc/pam_authy/config.toml':
      mode    => '0600',
      content => Sensitive("[authy]\nkey = \"${key.unwrap}\"\n");
    '/etc/pam_authy/users.toml':
      mode         => '0644',
      content      => "[users]\n${lines.join}",
      validate_cmd => '/usr/sbin/authyctl check --users %';
  }

  # The command refuses the change if doctor finds that it would lock someone out.
  exec { 'authyctl pam enable sshd --now':
    path    => '/usr/sbin:/usr/bin',
    creates => '/etc/ssh/sshd_config.d/10-pam_authy.conf',
  }
}
